// A nymserver's data directory: which file is where.

internal import Daemon
internal import Foundation
internal import MixCrypto

/// The files of a nymserver. Everything in the directory is its owner's alone.
struct NymserverFiles: Sendable {
    let directory: String

    /// Accounts, sealed mail, reply blocks.
    var database: String { "\(directory)/nyms.db" }
    /// Seed and storage secret (`NymserverKeys`), 64 bytes.
    var key: String { "\(directory)/key" }
    /// The public key to which requests are sealed, in armor: for the exits' configuration.
    var publicKey: String { "\(directory)/server.key" }
    /// Packets on their way out.
    var spool: String { "\(directory)/spool" }
    /// The network file as trusted, the consensus and the descriptors (`DirectoryCache`).
    var directoryCache: String { "\(directory)/directory" }
    /// Nodes' packet keys, of past periods too (`PacketKeyBook`).
    var packetKeys: String { "\(directory)/packet-keys" }
    /// There until a database is made with `key`: with a second one recorded requests would count again.
    var unusedKey: String { "\(directory)/key.unused" }
    /// Held while the server runs.
    var lock: String { "\(directory)/lock" }
    /// Process id and addresses while the server runs.
    var running: String { "\(directory)/running" }

    func loadKeys() throws -> NymserverKeys {
        try NymserverKeys(SecretFile.read(key, count: NymserverKeys.size))
    }

    /// Whether a process says that it runs this server. Not for safety: that is the lock's business.
    var isRunning: Bool {
        guard let bytes = try? AtomicFile.read(running, limit: 1 << 16),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first, let process = Int32(line)
        else { return false }
        return FileManager.default.fileExists(atPath: "/proc/\(process)")
    }
}
