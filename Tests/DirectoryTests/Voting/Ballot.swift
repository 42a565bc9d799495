import Directory
import MixCrypto
import Testing
import WireFormat

/// Authorities that vote on made-up nodes.
struct Ballot {
    let set: AuthoritySet
    let signers: [AuthoritySigner]
    let slot: Slot
    /// The slot's start.
    static let start = AuthoritySet.slotStart

    init(_ count: Int, isTest: Bool = false) throws {
        set = try AuthoritySet(count, isTest: isTest)
        signers = try (0..<count).map { [set] in try set.signer($0) }
        slot = try set.slot
    }

    /// Sets of 1 to 9, made once: keys and certificates cost more than most of what is tested with them.
    private static let made: [Ballot?] = (1...9).map { try? Ballot($0) }

    static func of(_ count: Int) throws -> Ballot { try #require(made[count - 1]) }

    var file: NetworkFile { self.set.file }
    var count: Int { signers.count }

    /// A node that has been there for long, with a descriptor of its own.
    static func node(
        _ number: Int, flags: Set<NodeFlag> = [.running], change: (inout VotedNode) throws -> Void = { _ in }
    ) throws -> VotedNode {
        var node = VotedNode(
            id: NodeID(copying: number), nickname: try #require(Nickname("node\(number)")),
            descriptor: digest("descriptor of \(number)"), published: start - .hours(3), since: start - .days(100),
            flags: flags)
        try change(&node)
        return node
    }

    static func digest(_ text: String) -> Digest { .sha256(Array(text.utf8)) }

    /// The vote of the authority with this index.
    func vote(
        _ index: Int, _ nodes: [VotedNode] = [], change: (inout VoteContents) throws -> Void = { _ in }
    ) throws -> Vote {
        var contents = VoteContents(
            slot: slot, authority: signers[index].name, published: Self.start + .seconds(5), previous: nil,
            parameters: NetworkParameters(), nodes: nodes, software: "nightjar 0.1")
        try change(&contents)
        return try Vote.make(contents, network: file, signer: signers[index])
    }

    /// One vote of each authority, which lists what `nodes` gives it.
    func votes(_ nodes: (Int) throws -> [VotedNode]) throws -> [Vote] {
        try (0..<count).map { try vote($0, nodes($0)) }
    }

    /// Two votes of each authority, of which one is counted.
    struct Choice {
        let yes: [Vote]
        let no: [Vote]

        /// The first `have` authorities say yes, the others no.
        func votes(_ have: Int) -> [Vote] { Array(yes.prefix(have) + no.dropFirst(have)) }
    }

    func choice(_ make: (_ index: Int, _ isYes: Bool) throws -> Vote) throws -> Choice {
        Choice(yes: try (0..<count).map { try make($0, true) }, no: try (0..<count).map { try make($0, false) })
    }

    func tally(_ votes: [Vote]) throws -> Consensus { try Tally.consensus(of: votes, slot: slot, network: file) }
}

extension NodeID {
    /// An id for tests, in the order of the numbers.
    init(copying number: Int) {
        self.init()
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes[0] = UInt8(truncatingIfNeeded: number >> 8)
            bytes[1] = UInt8(truncatingIfNeeded: number)
        }
    }
}
