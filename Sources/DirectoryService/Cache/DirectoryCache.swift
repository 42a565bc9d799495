// A network's directory on disk: whom to trust, what they agreed on last, and the descriptors of the nodes. Clients and
// nodes use the same one, several processes at a time (doc/DIRECTORY.md, what clients and nodes keep).
//
// Every file is replaced as a whole. What a file points to is written before it, so that after a crash at any point what
// there was or what is new is there: network files under their number before `network`, descriptors of the old and the new
// consensus before `consensus`, evidence before the refusal is told.

internal import Daemon
public import Directory
internal import Foundation
internal import MixCrypto
public import WireFormat

/// The directory of one network on disk.
///
///     network         the network file that is trusted
///     networks/N      every edition of it, as long as a consensus may name it
///     consensus       the newest certified consensus
///     consensuses/S   those of the last slots, to compare with what others show for them
///     descriptors     a bundle: the descriptors that this consensus and the one before it name
///     opt-outs/ID     the newest statement of opt-outs of each node (`OptOutCache`)
///     evidence/       certified documents that contradict each other
///     lock            held while something is replaced
public struct DirectoryCache: Sendable {
    public let directory: String

    /// Editions of the network file that are kept.
    static let keptEditions: UInt32 = 16

    /// Makes nothing.
    /// - Parameter directory: made, mode 0700, when something is installed.
    public init(directory: String) { self.directory = directory }

    func path(_ name: String) -> String { "\(directory)/\(name)" }
    var keptConsensuses: KeptConsensuses { KeptConsensuses(directory: path("consensuses")) }
    var evidence: EvidenceStore { EvidenceStore(directory: path("evidence")) }

    /// Whether a network file was installed here.
    public var isInstalled: Bool {
        FileManager.default.fileExists(atPath: path("network")) || !editions().isEmpty
    }

    /// Changes the cache while nobody else does.
    func change<Result>(_ body: () throws -> Result) throws -> Result {
        _ = try PrivateDirectory(directory)
        return try CacheLock.hold(path("lock"), body)
    }

    // MARK: The network file

    /// What installing a network file changed.
    public enum RootChange: Hashable, Sendable {
        case added
        /// In place of this edition.
        case updated(from: UInt32)
        case unchanged
    }

    /// Installs a network file: the first one on its own word, so a person must want it; any other only as the next edition
    /// of the one that is there.
    /// - Parameter digest: what the first one must have, if the person knows it from elsewhere.
    /// - Throws: `DirectoryCacheError`, `NetworkFileError`, `CommandFailure`.
    @discardableResult
    public func install(
        root bytes: [UInt8], expecting digest: Digest? = nil
    ) throws -> (root: NetworkFile, change: RootChange) {
        let offered: UnverifiedNetworkFile
        do throws(DocumentError) { offered = try UnverifiedNetworkFile(bytes) } catch {
            throw DirectoryCacheError.notNetworkFile(error)
        }
        if let digest, digest != offered.digest {
            throw DirectoryCacheError.otherFingerprint(wanted: digest, offered: offered.digest)
        }
        return try change {
            guard isInstalled else {
                let root = try offered.verify()
                try write(root)
                return (root, .added)
            }
            let old = try readRoot()
            let root = try offered.verify(succeeding: old)
            guard root.version > old.version else { return (old, .unchanged) }
            try write(root)
            return (root, .updated(from: old.version))
        }
    }

    /// The network file that is trusted. It was verified when it was installed, and its signatures are checked again; a
    /// damaged one is replaced by the edition that is kept beside it.
    /// - Throws: `DirectoryCacheError.nothing` if none is installed; `CommandFailure`.
    public func loadRoot() throws -> NetworkFile {
        if let root = parseRoot("network") { return root }
        guard isInstalled else { throw DirectoryCacheError.nothing(directory) }
        return try change { try readRoot() }
    }

    /// The network file of an edition that a consensus names: that of today, or one before it.
    func root(_ version: UInt32, current: NetworkFile) -> NetworkFile {
        guard version < current.version, let old = parseRoot("networks/\(version)"), old.version == version,
            old.name == current.name
        else { return current }
        return old
    }

    /// As `loadRoot`, for whoever holds the lock.
    func readRoot() throws -> NetworkFile {
        if let root = parseRoot("network") { return root }
        for version in editions().reversed() {
            guard let root = parseRoot("networks/\(version)") else { continue }
            try AtomicFile.write(root.bytes, to: path("network"))
            return root
        }
        throw DirectoryCacheError.damagedNetworkFile(path("network"))
    }

    private func parseRoot(_ name: String) -> NetworkFile? {
        guard let bytes = try? AtomicFile.read(path(name), limit: NetworkFile.maximumSize) else { return nil }
        return try? UnverifiedNetworkFile(bytes).verify()
    }

    /// For whoever holds the lock.
    func write(_ root: NetworkFile) throws {
        _ = try PrivateDirectory(path("networks"))
        try AtomicFile.write(root.bytes, to: path("networks/\(root.version)"))
        try AtomicFile.write(root.bytes, to: path("network"))
        for version in editions() where version + Self.keptEditions <= root.version {
            try AtomicFile.remove(path("networks/\(version)"))
        }
    }

    /// Numbers of the editions that are kept, ascending.
    private func editions() -> [UInt32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("networks"))) ?? []
        return names.compactMap { name in UInt32(name).flatMap { String($0) == name ? $0 : nil } }.sorted()
    }
}
