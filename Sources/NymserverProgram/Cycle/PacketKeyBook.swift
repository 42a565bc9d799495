// Packet keys of nodes, also of periods that are over: descriptors carry only the current one's and those to come, but a
// packet names its period in the clear, and what leaves without a reply block must name the one that a block would name.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import NymProtocol
internal import Synchronization
internal import WireFormat

/// Keeps the packet keys that nodes made known, until nobody accepts them any more.
///
///     version 1 u8 | count u32 | (node 32, period u16, key 1216)*
final class PacketKeyBook: Sendable {
    typealias Keys = [NodeID: [KeyPeriod: KEMPublicKey]]

    private struct State {
        var keys: Keys = [:]
        /// The consensus, and how many of its nodes were known.
        var seen: (Digest, Int)?
    }
    private let path: String
    private let state: Mutex<State>

    /// Keys that are kept: 40 MB, a thousand nodes for more than half a year.
    static let most = 32_768
    private static let version: UInt8 = 1
    private static let entry = 32 + 2 + KEM.publicKeySize

    /// Reads what there is; a file that is damaged counts for nothing.
    init(path: String) {
        self.path = path
        let keys = (try? AtomicFile.read(path, limit: 5 + Self.most * Self.entry)).flatMap { try? Self.decoded($0) }
        state = Mutex(State(keys: keys ?? [:]))
    }

    /// All keys that are known.
    var keys: Keys { state.withLock { $0.keys } }

    /// Takes the keys of a network's nodes, and forgets those that nobody accepts any more. Does nothing if it has seen this
    /// consensus with as many nodes. Blocks.
    /// - Throws: `CommandFailure` if they cannot be written; they count nevertheless.
    func see(_ network: Network, at now: Timestamp) throws(CommandFailure) {
        guard let digest = network.consensus.map({ Digest.sha256($0.bytes) }) else { return }
        let calendar = network.parameters.calendar
        let changed: Keys? = state.withLock { state in
            if let seen = state.seen, seen == (digest, network.nodes.count) { return nil }
            state.seen = (digest, network.nodes.count)
            let old = state.keys
            for (node, keys) in old {
                let accepted = keys.filter { calendar.destruction(of: $0.key) > now }
                state.keys[node] = accepted.isEmpty ? nil : accepted
            }
            var count = state.keys.values.reduce(0) { $0 + $1.count }
            for node in network.nodes {
                for (period, key) in node.fields.keys where calendar.destruction(of: period) > now {
                    let isNew = state.keys[node.id]?[period] == nil
                    guard !isNew || count < Self.most else { continue }
                    if isNew { count += 1 }
                    state.keys[node.id, default: [:]][period] = key
                }
            }
            return state.keys == old ? nil : state.keys
        }
        guard let changed else { return }
        try AtomicFile.write(Self.encoded(changed), to: path)
    }

    private static func encoded(_ keys: Keys) -> [UInt8] {
        let rows = keys.flatMap { node, keys in keys.map { (node, $0.key, $0.value) } }
        var writer = WireWriter(capacity: 5 + rows.count * entry)
        writer.integer(version)
        writer.integer(UInt32(clamping: rows.count))
        for (node, period, key) in rows {
            writer.append(node.bytes)
            writer.integer(period.number)
            writer.append(key.bytes)
        }
        return writer.bytes
    }

    private static func decoded(_ bytes: [UInt8]) throws -> Keys {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == version else { throw NymError.unknownVersion }
        var keys: Keys = [:]
        for _ in 0..<(try reader.integer(UInt32.self)) {
            guard let node = NodeID(Array(try reader.slice(32))) else { throw NymError.malformed }
            let period = KeyPeriod(try reader.integer())
            keys[node, default: [:]][period] = try KEMPublicKey(Array(try reader.slice(KEM.publicKeySize)))
        }
        try reader.end()
        return keys
    }
}
