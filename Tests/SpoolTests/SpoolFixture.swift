import MixCrypto
import Spool
import TestSupport
import WireFormat

/// A spool in a directory of its own, opened and closed as often as a test likes.
final class SpoolFixture {
    static let key = SymmetricSecret(copying: [UInt8](repeating: 9, count: 32))
    static let start = Timestamp(seconds: 1_700_000_000)
    static let deadline = start + .days(2)
    static let period = KeyPeriod(2810)

    let directory: TemporaryDirectory
    var configuration = SpoolConfiguration()
    var random: SeededRandom

    init(_ name: String) throws {
        directory = try TemporaryDirectory("nightjar-spool")
        random = SeededRandom(name: name)
        configuration.groupWaitMilliseconds = 0
    }

    /// Below the temporary directory, so that the spool makes its own.
    var path: String { directory.file("spool") }

    func open(now: Timestamp = start) throws -> (spool: Spool, recovery: SpoolRecovery) {
        try Spool.open(directory: path, storageKey: Self.key, configuration: configuration, now: now)
    }

    func tag() -> ReplayTag { ReplayTag.random(using: &random) }
    func body(_ count: Int = 32_768) -> [UInt8] { random.bytes(count) }
    func node() -> NodeID { NodeID.random(using: &random) }

    func accept(
        tag: ReplayTag? = nil, release: Timestamp = start, deadline: Timestamp = deadline, body: [UInt8]
    ) -> SpoolOperation {
        .acceptPacket(
            tag: tag ?? self.tag(), period: Self.period, destination: node(), release: release, deadline: deadline,
            body: body)
    }

    /// Stores packets in one submission; their numbers.
    func store(_ bodies: [[UInt8]], in spool: Spool) throws -> [PacketRowID] {
        try spool.performAndWait(bodies.map { accept(body: $0) }).compactMap {
            if case .stored(let id) = $0 { id } else { nil }
        }
    }
}

extension Spool {
    /// The result of one operation.
    func one(_ operation: SpoolOperation) throws -> SpoolResult? { try performAndWait([operation]).first }

    /// Submits empty rounds until `condition` holds: background work runs between groups. False after many rounds.
    func settle(now: Timestamp, until condition: () -> Bool) throws -> Bool {
        for _ in 0..<20_000 {
            if condition() { return true }
            _ = try performAndWait([.expire(now: now)])
        }
        return condition()
    }
}
