// The node's own statement of opt-outs: made when its book has changed, kept in a file, so that the descriptor names it also
// right after a start, and laid beside those of other nodes, so that it is given out over MMTP.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
internal import Synchronization
internal import WireFormat

final class OwnStatement: Sendable {
    private struct State {
        var current: OptOutStatement?
    }

    private let path: String
    private let network: String
    private let identity: SigningKey
    /// Between two statements: each makes a new descriptor, and authorities take only so many.
    private let pause: Interval
    private let made: @Sendable (OptOutStatement) -> Void
    private let state: Mutex<State>

    /// Takes the statement of an earlier run over if it is good.
    /// - Parameters:
    ///   - path: of the file.
    ///   - pause: the shortest time between two statements.
    ///   - made: told of a new statement, on any thread; may wait for the disk.
    init(
        path: String, network: String, identity: SigningKey, pause: Interval,
        made: @escaping @Sendable (OptOutStatement) -> Void = { _ in }
    ) {
        self.path = path
        self.network = network
        self.identity = identity
        self.pause = pause
        self.made = made
        let old = try? UnverifiedOptOutStatement(AtomicFile.read(path, limit: OptOutStatement.maximumSize))
            .verify(network: network)
        let isOwn = old?.identity == identity.verificationKey
        isLost = !isOwn && FileManager.default.fileExists(atPath: path)
        state = Mutex(State(current: isOwn ? old : nil))
    }

    /// Whether there was a statement of an earlier run that cannot be used: damaged, or of another node or network.
    let isLost: Bool

    /// What the descriptor names; nil for a node that has never held an opt-out.
    var current: OptOutStatement? { state.withLock { $0.current } }

    /// Makes a new statement if the book says something else than the last one, or if that is old.
    /// - Parameter hashes: nil: those of the last statement, for a node that is no exit any more.
    /// - Returns: whether there is a new one.
    @discardableResult
    func refresh(_ hashes: Set<OptOutHash>?, at now: Timestamp) throws -> Bool {
        let new = try state.withLock { state -> OptOutStatement? in
            let last = state.current
            let wanted = hashes ?? Set(last?.hashes ?? [])
            if let last {
                let isDue = Set(last.hashes) != wanted || last.published + OptOutStatement.renewal <= now
                // A clock that was set back must not keep it for ever.
                let isEarly = last.published <= now + .hours(1) && now < last.published + pause
                guard isDue, !isEarly else { return nil }
            } else if wanted.isEmpty {
                return nil
            }
            let time = last.map { max(now, $0.published + .seconds(1)) } ?? now
            let made = try OptOutStatement.make(
                wanted.sorted().prefix(OptOutStatement.maximumEntries), network: network, published: time,
                identity: identity)
            try AtomicFile.write(made.bytes, to: path)
            state.current = made
            return made
        }
        guard let new else { return false }
        made(new)
        return true
    }
}
