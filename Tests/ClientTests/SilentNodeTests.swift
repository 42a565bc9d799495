import Foundation
import Glibc
import TestSupport
import Testing

/// First hops that take a connection and then say nothing.
@Suite("Silent nodes", .timeLimit(.minutes(2)))
struct SilentNodeTests {
    /// A port that takes connections and never reads from them.
    final class SilentPort {
        private let socket: Int32

        init(_ port: UInt16) throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard bound == 0, listen(socket, 8) == 0 else { throw User.Failure(text: "cannot listen") }
        }

        deinit { close(socket) }
    }

    /// Once the program's time is up before the dialer's, once after it.
    @Test("a node that takes a connection and stays silent does not answer", arguments: ["10s", "1s"])
    func silent(connectTimeout: String) async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        try user.configure("connect-timeout = \"\(connectTimeout)\"\n")
        let port = try SilentPort(network["alpha"].port)
        let run = try await user.run(
            "send", "--to", "alice@example.org", "--path", "alpha,*,echo", "--timeout", "3s", input: "One\n")
        _ = port
        #expect(run.code == 3)
        #expect(
            run.messages.contains("in the queue because alpha does not answer; run: nightjar queue flush\n"), "\(run)")
        #expect(!run.messages.contains("TLS"), "\(run)")
    }
}
