public import WireFormat

/// What a path must satisfy besides its specification.
public struct PathDemands: Sendable {
    /// Capability names that the last node must have (`Capability.Name`), with words for a message to people.
    public var exit: [(capability: String, what: String)]
    /// The domain whose nymserver the last node must hand over to, in lower case.
    public var nymDomain: String?
    /// Nodes never to be used.
    public var blocked: Set<NodeID>
    /// Nodes never to be the first of a path, though they may stand elsewhere in it.
    public var blockedEntries: Set<NodeID>
    /// Nodes never to be the last.
    public var blockedExits: Set<NodeID>
    /// The last node, when it was chosen before (parts of one message share it).
    public var fixedExit: NodeID?
    /// For a loop: the looping node itself. It stands only where it is named or is the fixed exit, never as a random
    /// hop.
    public var endpoint: NodeID?

    public init(
        exit: [(capability: String, what: String)] = [], nymDomain: String? = nil, blocked: Set<NodeID> = [],
        blockedEntries: Set<NodeID> = [], blockedExits: Set<NodeID> = [], fixedExit: NodeID? = nil,
        endpoint: NodeID? = nil
    ) {
        self.exit = exit
        self.nymDomain = nymDomain
        self.blocked = blocked
        self.blockedEntries = blockedEntries
        self.blockedExits = blockedExits
        self.fixedExit = fixedExit
        self.endpoint = endpoint
    }

    /// What the last node must be able to do, each with words for a message to people.
    var abilities: [ExitAbility] {
        exit.map { ExitAbility(need: .capability($0.capability), what: $0.what) }
            + (nymDomain.map { [ExitAbility(need: .nymDomain($0), what: "nyms of \($0) (nym:)")] } ?? [])
    }
}

/// One thing that the last node of a path must be able to do.
struct ExitAbility {
    enum Need {
        case capability(String)
        case nymDomain(String)
    }

    let need: Need
    /// In words for people.
    let what: String

    func isMet(by node: Descriptor) -> Bool {
        switch need {
        case .capability(let name): node.can(name)
        case .nymDomain(let domain): node.nymDomain(domain) != nil
        }
    }

    /// Whether the node, if nobody named it, may be taken: for mail it must write to everybody.
    func isOpen(at node: Descriptor) -> Bool {
        guard case .capability(Capability.Name.smtp) = need else { return isMet(by: node) }
        return node.fields.capabilities.contains {
            $0.name == Capability.Name.smtp && !$0.limits.contains { $0.key == Capability.level }
        }
    }
}
