// The network as the node knows it: the network file that the operator trusts, walked forward as its authorities change, the
// newest consensus with its descriptors, and the addresses of nodes that packets on their way may still name. It lies in
// the data directory; who puts newer files there, the node's own refresh or somebody by hand, does not matter.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import MMTP
internal import Synchronization
internal import WireFormat

final class NetworkView: Sendable {
    private struct State {
        var network: Network
        var book: AddressBook
        var stamps: [FileStamp?]
        /// Why the consensus that is there is not used.
        var problem: String?
    }
    let cache: DirectoryCache
    private let networkFile: String
    private let bookPath: String
    private let state: Mutex<State>
    /// Held while the disk is read: what was read first must not come into force last.
    private let reading = Mutex(())

    /// What a newer directory changed.
    struct Change: Sendable {
        /// Nodes whose addresses are new or others.
        var addresses: [NodeID]
        var isNewConsensus: Bool
        var isNewRoot: Bool
    }

    /// Loads what there is; takes the configured network file if there is nothing, or if it is newer.
    /// - Throws: `NetworkViewError`, `DirectoryCacheError`, `NetworkFileError` if there is no network file to trust. That there
    ///   is no consensus, or none that can be used, is no error: the node fetches one.
    init(_ settings: NodeSettings, files: NodeFiles, now: Timestamp) throws {
        cache = DirectoryCache(directory: files.directoryCache)
        networkFile = settings.networkFile
        bookPath = files.addressBook
        try Self.takeNetworkFile(settings.networkFile, digest: settings.networkDigest, into: cache)
        let stamps = Self.stamps(cache)
        let (network, problem) = try Self.load(cache, now: now)
        var book = AddressBook(Self.readText(bookPath))
        // With a consensus that cannot be used nothing is known of who was taken out.
        if problem == nil { _ = book.note(network, at: now) }
        state = Mutex(State(network: network, book: book, stamps: stamps, problem: problem))
        try? AtomicFile.write(text: book.text, to: bookPath)
    }

    /// The network as last read.
    var current: Network { state.withLock { $0.network } }

    /// Why the consensus on the disk is not used; nil if it is, or if there is none.
    var problem: String? { state.withLock { $0.problem } }

    /// Where a node is reached; empty for one that no consensus of the last days lists.
    func addresses(of node: NodeID) -> [LinkAddress] {
        state.withLock { $0.book.addresses(of: node) }.map { LinkAddress(host: $0.host, port: Int($0.port)) }
    }

    /// Whether packets can be handed on to a node.
    func isKnown(_ node: NodeID) -> Bool { state.withLock { !$0.book.addresses(of: node).isEmpty } }

    /// Until when some consensus names the node.
    func listedUntil(_ node: NodeID) -> Timestamp? { state.withLock { $0.book.until(of: node) } }

    /// Reads again what has changed on the disk, and judges anew what could not be used: the clock may be right now. Takes up to a second in a large network: not for an event loop.
    /// - Returns: nil if nothing has changed.
    /// - Throws: if what is there now cannot be used; the old network stays in force.
    func reload(now: Timestamp) throws -> Change? { try reading.withLock { _ in try readAgain(now: now) } }

    private func readAgain(now: Timestamp) throws -> Change? {
        let stamps = Self.stamps(cache)
        let (old, trouble, isSame) = state.withLock { state in
            defer { state.stamps = stamps }
            return (state.network, state.problem, state.stamps == stamps)
        }
        guard !isSame || trouble != nil else { return nil }
        var (network, problem) = try Self.load(cache, now: now)
        if network.consensus == nil, problem == nil, old.consensus != nil {
            problem = "the consensus in \(cache.directory) is gone or damaged"
        }
        if isSame, problem == trouble { return nil }
        let (changed, text) = state.withLock { [network, problem] state in
            let changed = problem == nil ? state.book.note(network, at: now) : []
            // One that cannot be used does not push out one that could.
            if problem == nil || network.root.version > old.root.version { state.network = network }
            state.problem = problem
            return (changed, state.book.text)
        }
        // Without it nodes that were taken out are forgotten at the next start, and nothing worse.
        try? AtomicFile.write(text: text, to: bookPath)
        let isNew = network.consensus?.link != old.consensus?.link || network.nodes.count != old.nodes.count
        return Change(
            addresses: changed, isNewConsensus: problem == nil && isNew,
            isNewRoot: network.root.version != old.root.version)
    }

    /// Editions of the network file before the current one, for those who have to walk forward from them.
    func olderNetworkFiles() -> [NetworkFile] {
        let root = current.root
        guard root.version > 1 else { return [] }
        let first =
            root.version > UInt32(DirectoryShelf.networkFiles) ? root.version - UInt32(DirectoryShelf.networkFiles) : 1
        return (first..<root.version).compactMap { version in
            let path = "\(cache.directory)/networks/\(version)"
            guard let bytes = try? AtomicFile.read(path, limit: NetworkFile.maximumSize),
                let file = try? UnverifiedNetworkFile(bytes).verify(), file.name == root.name, file.version == version
            else { return nil }
            return file
        }
    }

    /// Looks at the configured network file again: the operator may have put a newer edition there.
    func takeNetworkFile() throws { try Self.takeNetworkFile(networkFile, digest: nil, into: cache) }

    /// The network file that a node with these settings trusts, without writing anything.
    static func root(_ settings: NodeSettings, files: NodeFiles) throws -> NetworkFile {
        let cache = DirectoryCache(directory: files.directoryCache)
        if cache.isInstalled { return try cache.loadRoot() }
        let offered = try read(settings.networkFile)
        if let digest = settings.networkDigest, digest != offered.digest {
            throw DirectoryCacheError.otherFingerprint(wanted: digest, offered: offered.digest)
        }
        return try offered.verify()
    }

    private static func takeNetworkFile(_ path: String, digest: Digest?, into cache: DirectoryCache) throws {
        guard cache.isInstalled else {
            _ = try cache.install(root: read(path).bytes, expecting: digest)
            return
        }
        // What was trusted once is walked forward by what its authorities sign. The configured file counts only where it is a
        // step further; an old edition that lies there is not worth a word.
        guard let offered = try? read(path) else { return }
        let installed = try cache.loadRoot()
        guard offered.name == installed.name else { throw NetworkViewError.otherNetwork(offered.name, installed.name) }
        guard offered.version >= installed.version, offered.version <= installed.version + 1 else { return }
        _ = try cache.install(root: offered.bytes)
    }

    private static func read(_ path: String) throws -> UnverifiedNetworkFile {
        let bytes: [UInt8]
        do throws(CommandFailure) { bytes = try AtomicFile.read(path, limit: NetworkFile.maximumSize) } catch {
            throw NetworkViewError.missing(path)
        }
        do throws(DocumentError) { return try UnverifiedNetworkFile(bytes) } catch {
            throw NetworkViewError.malformed(path, error.description)
        }
    }

    /// The network on the disk, with a consensus however old, and what is wrong with it.
    private static func load(_ cache: DirectoryCache, now: Timestamp) throws -> (Network, String?) {
        do {
            return (try cache.load(at: now, allowStale: true), nil)
        } catch let error as ConsensusError {
            return (Network(root: try cache.loadRoot()), error.description)
        }
    }

    private static func readText(_ path: String) -> String {
        guard let bytes = try? AtomicFile.read(path, limit: AddressBook.maximumSize) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func stamps(_ cache: DirectoryCache) -> [FileStamp?] {
        ["network", "consensus", "descriptors"].map { FileStamp("\(cache.directory)/\($0)") }
    }
}

/// What changes when a file is replaced.
private struct FileStamp: Equatable {
    var inode: UInt64
    var size: UInt64
    var modified: Date

    init?(_ path: String) {
        guard let found = try? FileManager.default.attributesOfItem(atPath: path),
            let inode = found[.systemFileNumber] as? NSNumber, let size = found[.size] as? NSNumber,
            let modified = found[.modificationDate] as? Date
        else { return nil }
        self.inode = inode.uint64Value
        self.size = size.uint64Value
        self.modified = modified
    }
}

/// Why there is no network to work in; words for the operator.
enum NetworkViewError: Error, CustomStringConvertible {
    case missing(String)
    case malformed(String, String)
    case otherNetwork(String, String)

    var description: String {
        switch self {
        case .missing(let path):
            "cannot read the network file \(path): get it from the people who run the network and name it in network-file"
        case .malformed(let path, let why): "\(path) is not a network file: \(why)"
        case .otherNetwork(let offered, let installed):
            "the network file names the network \(offered), but this node belongs to \(installed); a node cannot change "
                + "networks: put the file of \(installed) back, or make a node with a data directory of its own"
        }
    }
}
