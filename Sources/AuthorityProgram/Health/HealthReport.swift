// The state of a network as one authority sees it: what the health pages show and `/health.json` is. Times are text as
// documents spell them, digests and ids hexadecimal (doc/AUTHORITY.md, the health page).

internal import WireFormat

/// Everything on the health pages.
struct HealthReport: Codable, Sendable {
    /// Slots that a report shows.
    static let slotCount = 72
    /// Most disagreements of one kind that are listed; the number of all is told.
    static let maximumDisagreements = 100

    /// The worst level of all warnings.
    var state: State
    var time: Timestamp
    /// The authority that reports.
    var authority: String
    var software: String
    var started: Timestamp
    var network: NetworkInfo
    var warnings: [HealthWarning]
    /// None until one is certified.
    var consensus: ConsensusInfo?
    /// By name.
    var authorities: [AuthorityInfo]
    /// The last 72, newest first; from before this authority knew of any, fewer.
    var slots: [SlotInfo]
    var disagreements: Disagreements
    /// Newest first.
    var evidence: [EvidenceInfo]
    /// By nickname.
    var nodes: [NodeInfo]
    /// By name.
    var pingers: [PingerInfo]
    /// By the pingers' names.
    var reports: [ReportInfo]
    var disk: DiskInfo?

    enum State: String, Codable, Sendable {
        case well, attend, urgent
    }

    struct NetworkInfo: Codable, Sendable {
        var name: String
        /// Of the network file.
        var version: UInt32
        /// Of the network file.
        var digest: Digest
        var isTest: Bool
        /// Signatures that certify.
        var quorum: Int
        /// How many authorities may fail.
        var faults: Int
        var slotMilliseconds: Int64
    }

    struct AuthorityInfo: Codable, Sendable {
        var name: String
        /// SHA-256 of its identity key.
        var id: Digest
        var urls: [String]
        /// Until when its signing key is certified; nil if no certificate of it has been seen.
        var certifiedUntil: Timestamp?
        /// How far its clock seems to be ahead of this machine's, in milliseconds: its newest vote's time less the time at
        /// which it came. Set by the report; nil for this authority and for one that sent no vote.
        var clockMilliseconds: Int64?
        /// The newest slot for which a vote of it is known. Set by the report.
        var lastVote: UInt64?
        /// The newest slot for which a signature of it is known. Set by the report.
        var lastSignature: UInt64?
    }

    struct ConsensusInfo: Codable, Sendable {
        /// Its slot.
        var height: UInt64
        var digest: Digest
        var published: Timestamp
        var freshUntil: Timestamp
        var validUntil: Timestamp
        /// Names.
        var signers: [String]
        /// Set by the report.
        var age = Age.fresh

        enum Age: String, Codable, Sendable {
            case fresh, old, expired
        }
    }

    struct SlotInfo: Codable, Sendable {
        var slot: UInt64
        var start: Timestamp
        var leader: String
        /// Digest of each authority's vote.
        var votes: [String: Digest]
        /// What the leader proposed.
        var proposal: Digest?
        /// Digest of the consensus that each authority signed.
        var signatures: [String: Digest]
        var state: State
        /// Of the certified consensus.
        var consensus: Digest?
        /// Why it failed.
        var reason: String?
        /// Certified after the slot's end.
        var late: Bool
        /// Names of those who signed two different things in it.
        var equivocators: [String]

        enum State: String, Codable, Sendable {
            case certified, failed, underWay, unknown
        }
    }

    struct EvidenceInfo: Codable, Sendable {
        var authority: String
        var slot: UInt64
        /// `vote`, `proposal` or `signature`.
        var kind: String
        /// Digest of the evidence itself; nil if it is not stored as a document.
        var digest: Digest?
        /// The two things of which there may be only one.
        var first: Digest
        var second: Digest
        /// Until which slot its votes are dropped; nil if it is not excluded.
        var excludedUntil: UInt64?
    }

    struct NodeInfo: Codable, Sendable {
        var id: NodeID
        var nickname: String
        /// Whether the newest consensus lists it.
        var isListed: Bool
        /// Why it is not listed, or what this authority found wrong with it.
        var problem: String?
        /// As the consensus has them.
        var flags: [String] = []
        var weight: Int?
        /// When this authority first saw it.
        var since: Timestamp?
        /// Digest of its descriptor.
        var descriptor: Digest
        var published: Timestamp
        var validUntil: Timestamp
        /// `host:port`.
        var addresses: [String]
        /// Name and limits: `exit-smtp message-size=1000000`.
        var capabilities: [String] = []
        /// Ids of its family.
        var family: [NodeID] = []
        var software: String
        var contact: String
        /// Whether it said that it will stop.
        var isLeaving = false
        /// Of a thousand packets, how many came through; nil until measured.
        var reliability: Int?
        /// Time that it adds beyond the delay asked for; nil until measured.
        var latencyMilliseconds: Int64?
        /// Where links from it lead, and from where links come to it, that are marked broken.
        var brokenTo: [NodeID] = []
        var brokenFrom: [NodeID] = []
        /// What this authority's pingers found.
        var findings: [Finding] = []
    }

    struct DiskInfo: Codable, Sendable {
        /// Bytes free where the data directory is.
        var free: Int64
        /// All bytes there.
        var size: Int64
        /// Bytes that the authority's files take.
        var used: Int64
    }

    /// Where the newest votes are not alike.
    struct Disagreements: Codable, Sendable {
        /// The slot of the votes compared; nil if there are fewer than two.
        var slot: UInt64?
        /// Who voted in it.
        var voters: [String] = []
        var parameters: [ParameterSplit] = []
        var nodes: [NodeSplit] = []
        var flags: [FlagSplit] = []
        /// Differing descriptors of nodes that are listed by more than one.
        var descriptors: [NodeSplit] = []
        /// How many there are in all, listed here or not.
        var total = 0
    }

    /// A parameter that has not the same value in all votes.
    struct ParameterSplit: Codable, Sendable {
        var name: String
        /// Values with who gives them, smallest first.
        var values: [Value]

        struct Value: Codable, Sendable {
            var value: Int64
            var authorities: [String]
        }
    }

    /// A node that some list, or list with another descriptor than the rest.
    struct NodeSplit: Codable, Sendable {
        var node: NodeID
        var nickname: String
        /// Who is for it (or for the descriptor that most name).
        var with: [String]
        var without: [String]
    }

    /// A flag that some of those who list a node give it.
    struct FlagSplit: Codable, Sendable {
        var node: NodeID
        var nickname: String
        var flag: String
        var with: [String]
        var without: [String]
    }
}
