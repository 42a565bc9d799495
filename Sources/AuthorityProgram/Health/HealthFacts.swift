// What an authority holds that its health page is made of. The running authority fills these from its store and its slot
// machine; everything that is a judgement (warnings, disagreements, ages) is made in `HealthReport`.

internal import WireFormat

/// All that a report is made of, at one moment.
struct HealthFacts: Sendable {
    /// This machine's time.
    var now: Timestamp
    /// Name of this authority.
    var authority: String
    /// Name and version of its program.
    var software: String
    /// When this process started.
    var started: Timestamp
    var network: HealthReport.NetworkInfo
    /// All authorities of the network file, by name, in the order that decides who leads.
    var authorities: [HealthReport.AuthorityInfo]
    /// What is known of slots, in any order, at most one entry a slot; slots of which nothing is known may be left out.
    var slots: [SlotFacts] = []
    /// The newest certified consensus that it holds.
    var consensus: HealthReport.ConsensusInfo?
    /// The votes of the newest slot of which it holds more than one.
    var votes: [VoteFacts] = []
    /// For each authority the newest vote that its author sent itself, whatever its slot.
    var clocks: [ClockFacts] = []
    /// Nodes in the newest consensus, and those whose descriptors it holds without listing them.
    var nodes: [HealthReport.NodeInfo] = []
    /// Pingers that it believes.
    var pingers: [HealthReport.PingerInfo] = []
    /// The reports that the votes name.
    var reports: [HealthReport.ReportInfo] = []
    /// What the tally of `votes` takes back of what measurements say.
    var brake = BrakeFacts()
    /// Domains of nyms that nodes announce under different keys.
    var disputedDomains: [DisputedNymDomain] = []
    /// Descriptors that the newest consensus names and this authority does not hold.
    var missingDescriptors = 0
    /// All evidence that it holds.
    var evidence: [HealthReport.EvidenceInfo] = []
    var disk: HealthReport.DiskInfo?
    /// Whatever else the daemon knows to be wrong, in words.
    var warnings: [HealthWarning] = []

    /// What is known of one slot.
    struct SlotFacts: Sendable {
        var slot: UInt64
        /// Digest of each authority's vote, by its name; of two, the first that came.
        var votes: [String: Digest] = [:]
        /// Digest of the leader's proposal, if it came.
        var proposal: Digest?
        /// Digest of the consensus that each authority signed, by its name.
        var signatures: [String: Digest] = [:]
        var outcome: Outcome
        /// Certified only after the slot's end, or brought from others afterwards.
        var isLate = false

        enum Outcome: Hashable, Sendable {
            case underWay
            case certified(Digest)
            /// Why, in words: `the leader sent no proposal`.
            case failed(String)
        }
    }

    /// One authority's vote, as far as votes can differ.
    struct VoteFacts: Sendable {
        var authority: String
        var slot: UInt64
        var digest: Digest
        /// All parameters by name.
        var parameters: [String: Int64] = [:]
        var nodes: [NodeID: VotedNodeFacts] = [:]
    }

    /// How much measurements would have done beyond what they may.
    struct BrakeFacts: Sendable {
        /// Nodes that would be unreliable.
        var spared = 0
        /// Nodes that would have less than half of their weight.
        var raised = 0
        /// Links that would be broken.
        var links = 0
    }

    /// One line of a vote.
    struct VotedNodeFacts: Sendable {
        var nickname: String
        var descriptor: Digest
        /// As documents spell them.
        var flags: Set<String> = []
    }

    /// What a vote says about the clock of who made it.
    struct ClockFacts: Sendable {
        var authority: String
        /// As the vote says.
        var published: Timestamp
        /// When it came here, from its author.
        var received: Timestamp
    }
}
