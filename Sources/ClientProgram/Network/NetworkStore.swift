// The networks that a user has added: a directory each, with whom to trust, what they agreed on last, and the descriptors of
// the nodes.

public import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
public import WireFormat

/// Why a network cannot be used, in words for people.
public enum NetworkStoreError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    case none
    case several([String])
    case unknown(String)
    case scaledTime(String)
    case fingerprint
    case noConsensus(String)
    /// So many of the descriptors of its nodes are not there.
    case incomplete(String, missing: Int, of: Int)
    /// With when it expired.
    case expired(String, Timestamp)

    public var description: String {
        switch self {
        case .none: "no network is installed; run `nightjar network add FILE` with the network file of your network"
        case .several(let names):
            "several networks are installed (\(names.joined(separator: ", "))); choose one with --network NAME, "
                + "or for good with `network = \"NAME\"` in client.toml"
        case .unknown(let name): "no network called \(Printable.text(name)) is installed; see `nightjar network list`"
        case .scaledTime(let name):
            "\(ClientTime.scaleVariable) is set, but \(name) is no test network; unset it"
        case .fingerprint: "--digest takes a fingerprint of 64 hexadecimal digits"
        case .noConsensus(let name):
            "it is not known yet which nodes the network \(name) has; get its consensus with `nightjar network update \(name)`"
        case .incomplete(let name, let missing, let count):
            "the descriptors of \(missing) of the \(count) nodes of the network \(name) are missing or damaged here: too many to "
                + "choose paths among the others; get them with `nightjar network update \(name)`"
        case .expired(let name, let date):
            "what is known of the network \(name) expired on \(date); get a newer consensus with `nightjar network update "
                + "\(name)`, or use the old one knowingly with --stale"
        }
    }

    public var exitCode: ExitCode {
        switch self {
        case .none, .several, .unknown, .scaledTime, .fingerprint: .usage
        case .noConsensus, .incomplete, .expired: .temporary
        }
    }
}

/// The directory of installed networks.
struct NetworkStore: Sendable {
    let directory: String
    let time: ClientTime

    /// Names of the installed networks, sorted.
    func names() throws(CommandFailure) -> [String] {
        guard ClientPlaces.isThere(directory) else { return [] }
        return try DirectoryListing.names(in: directory)
            .filter { Self.isName($0) && DirectoryCache(directory: "\(directory)/\($0)").isInstalled }.sorted()
    }

    /// The name of the network called `name`; without a name that of the only one.
    func resolve(_ name: String?) throws -> String {
        let all = try names()
        if let name {
            guard all.contains(name) else { throw all.isEmpty ? NetworkStoreError.none : .unknown(name) }
            return name
        }
        guard let only = all.first else { throw NetworkStoreError.none }
        guard all.count == 1 else { throw NetworkStoreError.several(all) }
        return only
    }

    /// The directory of an installed network. Names of networks are letters, digits and hyphens: no path leads out.
    func cache(of name: String) -> DirectoryCache { DirectoryCache(directory: "\(directory)/\(name)") }

    /// The network called `name`; without a name the only one installed.
    /// - Parameter allowStale: also with a consensus that has expired.
    /// - Throws: `NetworkStoreError`, `DirectoryCacheError`, `ConsensusError`.
    func load(_ name: String?, allowStale: Bool = false) throws -> Network {
        let chosen = try resolve(name)
        let network: Network
        do {
            network = try cache(of: chosen).load(at: time.clock.now(), allowStale: allowStale)
        } catch ConsensusError.expired(let date) {
            try time.check(cache(of: chosen).loadRoot())
            throw NetworkStoreError.expired(chosen, date)
        } catch ConsensusError.notYet(let date) {
            // A network in real time, looked at by a test's time, is not to be taken for one with a wrong clock.
            try time.check(cache(of: chosen).loadRoot())
            throw ConsensusError.notYet(date)
        }
        try time.check(network.root)
        guard let count = network.consensus?.consensus.nodes.count else { throw NetworkStoreError.noConsensus(chosen) }
        guard !DirectoryRefresh.lacksTooMany(network.missing.count, of: count) else {
            throw NetworkStoreError.incomplete(chosen, missing: network.missing.count, of: count)
        }
        return network
    }

    /// As `load`, but without nodes where there is no consensus that can be used.
    func loadAnyway(_ name: String, allowStale: Bool = false) throws -> Network {
        do { return try load(name, allowStale: allowStale) } catch is NetworkStoreError {
            let root = try cache(of: resolve(name)).loadRoot()
            try time.check(root)
            return Network(root: root)
        }
    }

    /// Removes a network with everything that is known of it.
    func remove(_ name: String) throws {
        let path = cache(of: try resolve(name)).directory
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw CommandFailure("cannot remove \(path): \(error.localizedDescription)")
        }
    }

    /// What network files allow, which is nothing that a path could be made of.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}
