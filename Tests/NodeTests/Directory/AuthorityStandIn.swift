import Directory
import DirectoryService
import Foundation
import Synchronization
import WireFormat

/// A server of the directory on the loopback: gives out what a test put there, and takes descriptors as the test says.
final class AuthorityStandIn: DirectoryBackend {
    private struct State {
        var documents: [DirectoryRoute: ServedDocument] = [:]
        var posted: [[UInt8]] = []
        var verdict = UploadVerdict.stored
        var requests = 0
    }
    private let state = Mutex(State())
    private let server = Mutex<Task<Void, any Error>?>(nil)

    /// Starts to serve.
    /// - Returns: the address.
    func start() async throws -> String {
        let made = DirectoryServer(listen: [ListenAddress(host: "127.0.0.1", port: 0)], backend: self)
        server.withLock { $0 = Task { try await made.run() } }
        return "http://127.0.0.1:\(try await made.addresses()[0].port)"
    }

    func stop() { server.withLock { $0?.cancel() } }

    var posted: [Descriptor] {
        state.withLock { $0.posted }.compactMap { try? UnverifiedDescriptor($0).verify(network: "lab") }
    }
    var requests: Int { state.withLock { $0.requests } }

    func takes(_ verdict: UploadVerdict) { state.withLock { $0.verdict = verdict } }

    /// Serves a network from now on.
    func serve(_ network: Network) {
        state.withLock { state in
            func put(_ route: DirectoryRoute, _ bytes: [UInt8], _ digest: Digest) {
                state.documents[route] = ServedDocument(bytes, tag: digest)
            }
            put(.network, network.root.bytes, network.root.digest)
            put(.networkVersion(network.root.version), network.root.bytes, network.root.digest)
            for node in network.nodes { put(.document(node.digest), node.bytes, node.digest) }
            guard let consensus = network.consensus else { return }
            put(.consensus, consensus.bytes, consensus.link.digest)
            put(.descriptors, DescriptorBundle.join(network.nodes), consensus.link.digest)
        }
    }

    /// Serves a document by its digest.
    func serve(_ bytes: [UInt8], as digest: Digest) {
        state.withLock { $0.documents[.document(digest)] = ServedDocument(bytes, tag: digest) }
    }

    func served(_ route: DirectoryRoute) async throws -> ServedDocument? {
        state.withLock { state in
            state.requests += 1
            return state.documents[route]
        }
    }

    func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        state.withLock { state in
            if kind == .descriptor { state.posted.append(bytes) }
            return state.verdict
        }
    }
}
