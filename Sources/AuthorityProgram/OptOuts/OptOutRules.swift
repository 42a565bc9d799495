// Which statements of opt-outs an authority takes. Pure.

internal import Directory
internal import WireFormat

/// Why a statement is not taken.
enum OptOutRefusal: Hashable, Sendable {
    case otherNetwork(String)
    case unknownNode(NodeID)
    case fromTheFuture(Timestamp, now: Timestamp)
    case tooOld(Timestamp)
    /// A newer one, or another one of the same time, is here.
    case replaced(by: Timestamp)
    case badSignature
    /// So many bytes of statements are here.
    case full(Int)

    /// For the metrics.
    var label: String {
        switch self {
        case .otherNetwork: "other-network"
        case .unknownNode: "unknown-node"
        case .fromTheFuture: "from-the-future"
        case .tooOld: "too-old"
        case .replaced: "replaced"
        case .badSignature: "bad-signature"
        case .full: "full"
        }
    }

    /// For whoever runs the node.
    var words: String {
        switch self {
        case .otherNetwork(let name): "the statement is of another network, \(name)"
        case .unknownNode(let node):
            "this authority does not know the node \(node.hex.prefix(16)): its descriptor has to be taken first"
        case .fromTheFuture(let published, let now):
            "the statement was made at \(published), and here it is \(now): check the clocks"
        case .tooOld(let published): "the statement was made at \(published): nodes make a new one every month"
        case .replaced(let published):
            "another statement of this node is here, made at \(published): only newer ones are taken"
        case .badSignature: "the statement is not signed by the key in it: it was damaged or forged"
        case .full(let bytes):
            "this authority holds \(bytes >> 20) MiB of statements already and takes no more: tell its operator"
        }
    }
}

/// What is to be done with a statement whose signature is not checked yet.
enum OptOutDecision: Equatable, Sendable {
    case take
    case known
    case refused(OptOutRefusal)
}

/// Decides about statements.
struct OptOutRules: Sendable {
    /// Most bytes of all statements together.
    static let maximumBytes = 256 << 20
    /// A statement may lie so far in the future.
    static let clockTolerance = Interval.minutes(10)
    /// Statements of one node in an hour.
    static let uploadsPerHour = 12

    /// Name of the network.
    let network: String
    var limit = maximumBytes

    /// - Parameters:
    ///   - isRegistered: whether the node that it claims to be of is in the register.
    ///   - newest: the newest statement of the same node.
    ///   - bytes: of all statements that are here.
    func decide(
        _ statement: UnverifiedOptOutStatement, size: Int, isRegistered: Bool,
        newest: (digest: Digest, published: Timestamp)?, bytes: Int, now: Timestamp
    ) -> OptOutDecision {
        guard statement.networkName == network else { return .refused(.otherNetwork(statement.networkName)) }
        guard isRegistered else { return .refused(.unknownNode(statement.node)) }
        if let newest {
            if newest.digest == statement.digest { return .known }
            guard statement.published > newest.published else { return .refused(.replaced(by: newest.published)) }
        }
        guard statement.published <= now + Self.clockTolerance else {
            return .refused(.fromTheFuture(statement.published, now: now))
        }
        guard statement.published > now - OptOutStatement.outlives else {
            return .refused(.tooOld(statement.published))
        }
        // Newcomers are refused first: they must not keep those who have said something from saying it anew.
        guard bytes + size <= (newest == nil ? limit - limit / 8 : limit) else { return .refused(.full(bytes)) }
        return .take
    }
}
