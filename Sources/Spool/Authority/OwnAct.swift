public import WireFormat

/// What an authority does once in a slot, and never differently a second time.
public enum OwnAct: Int, CaseIterable, Sendable {
    case vote = 1
    case proposal = 2
    /// The signature under a consensus.
    case signature = 3

    var verb: String {
        switch self {
        case .vote: "vote"
        case .proposal: "propose"
        case .signature: "sign"
        }
    }
}

/// Something that the authority did, as it was recorded before it was sent.
public struct OwnRecord: Equatable, Sendable {
    public let act: OwnAct
    public let slot: UInt64
    /// What was voted, proposed or signed: for a signature the consensus' digest.
    public let digest: Digest
    /// The document that is sent.
    public let bytes: [UInt8]
}
