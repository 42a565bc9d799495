// https: who shows a certificate that this system does not trust is told nothing and believed nothing.

import Foundation
import TestSupport
import Testing

@testable import DirectoryService

@Suite struct SecureFetchTests {
    private let client = DirectoryHTTPClient()

    @Test func aCertificateThatNobodyTrustsIsRefused() async throws {
        let directory = try TemporaryDirectory("nightjar-tls")
        try Data("network\n".utf8).write(to: URL(fileURLWithPath: directory.file("network")))
        let (python, port) = try await PythonPeer.filesWithTLS(directory.path)
        defer { python.stop() }
        for host in ["localhost", "127.0.0.1"] {
            let error = await #expect(throws: FetchError.self) {
                try await client.get("https://\(host):\(port)/network", limit: 100)
            }
            guard case .insecure = error else { return #expect(Bool(false), "\(String(describing: error))") }
            let words =
                "no secure connection: the server has no certificate for this name that this system trusts, or speaks no "
                + "TLS 1.2"
            #expect(error?.description == words)
            // It will not be better later without somebody doing something.
            #expect(error?.isTemporary == false)
            let outcome = await PeerSender(client: client).post([65], as: .vote, to: ["https://\(host):\(port)"])
            guard case .unreachable(.insecure) = outcome else { return #expect(Bool(false), "\(outcome)") }
        }
    }

    @Test func aServerWithoutTLSIsNoSecureOne() async throws {
        let server = try await RunningServer(MemoryBackend([.network: ServedDocument([65])]))
        defer { server.stop() }
        let error = await #expect(throws: FetchError.self) {
            try await client.get("https://127.0.0.1:\(server.port)/network", limit: 100)
        }
        guard case .insecure = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
}
