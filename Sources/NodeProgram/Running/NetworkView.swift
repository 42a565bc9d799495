// The network file as the node uses it: verified, pinned to its signer, and read again when it changes.

internal import Daemon
internal import Directory
internal import Foundation
internal import MMTP
internal import MixCrypto
internal import Synchronization
internal import WireFormat

final class NetworkView: Sendable {
    private struct State {
        var network: Network
        var addresses: [NodeID: [LinkAddress]]
    }
    private let path: String
    private let state: Mutex<State>

    /// Reads and verifies the file.
    /// - Parameters:
    ///   - signer: hexadecimal key that must have signed; nil takes the pinned one.
    ///   - pin: file that holds the signer seen first; written if there is none.
    init(path: String, signer: String?, pin: String, now: Timestamp) throws {
        self.path = path
        let trusted: VerificationKey?
        if let text = signer
            ?? (try? String(contentsOfFile: pin, encoding: .utf8)).map({ String($0.prefix { $0 != "\n" }) })
        {
            guard let bytes = Hex.decode(text), let key = try? VerificationKey(bytes) else {
                throw NetworkViewError.signer(signer == nil ? pin : "network-signer")
            }
            trusted = key
        } else {
            trusted = nil
        }
        let network = try Self.read(path, trusted: trusted, now: now)
        if trusted == nil { try AtomicFile.write(Array((Hex.encode(network.signer.bytes) + "\n").utf8), to: pin) }
        state = Mutex(State(network: network, addresses: Self.addresses(network)))
    }

    /// The network as last read.
    var current: Network { state.withLock { $0.network } }

    /// Where a node is reached; empty for one that the network does not list.
    func addresses(of node: NodeID) -> [LinkAddress] { state.withLock { $0.addresses[node] ?? [] } }

    /// Reads the file again. A file that is not good leaves the old network in place.
    /// - Returns: nodes whose addresses are new, nil if there is no newer edition.
    func refresh(now: Timestamp) throws -> [NodeID]? {
        let old = current
        let new = try Self.read(path, trusted: old.signer, now: now)
        guard new.bytes != old.bytes else { return nil }
        guard new.name == old.name else { throw NetworkViewError.otherNetwork(new.name) }
        guard new.version > old.version else {
            throw NetworkFileError.rollback(have: old.version, offered: new.version)
        }
        let addresses = Self.addresses(new)
        return state.withLock { state in
            let changed = addresses.filter { state.addresses[$0.key] != $0.value }.map(\.key)
            state = State(network: new, addresses: addresses)
            return changed
        }
    }

    private static func read(_ path: String, trusted: VerificationKey?, now: Timestamp) throws -> Network {
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch { throw NetworkViewError.missing(path) }
        let parsed: UnverifiedNetworkFile
        do { parsed = try UnverifiedNetworkFile(Array(data)) } catch {
            throw NetworkViewError.malformed(path, error.description)
        }
        return try parsed.verify(trusted: trusted, at: now)
    }

    private static func addresses(_ network: Network) -> [NodeID: [LinkAddress]] {
        Dictionary(
            network.nodes.map { node in
                (node.id, node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) })
            }, uniquingKeysWith: { first, _ in first })
    }
}

/// Why there is no network to work in; words for the operator.
enum NetworkViewError: Error, CustomStringConvertible {
    case missing(String)
    case malformed(String, String)
    case signer(String)
    case otherNetwork(String)

    var description: String {
        switch self {
        case .missing(let path):
            "cannot read the network file \(path): get it from the people who run the network and name it in network-file"
        case .malformed(let path, let why): "\(path) is not a network file: \(why)"
        case .signer(let where_): "\(where_) does not hold a key of 64 hexadecimal digits"
        case .otherNetwork(let name):
            "the network file now names the network \(name); a node cannot change networks while it runs"
        }
    }
}
