// Through real proxies. The name ends in `.invalid`, which no resolver knows (RFC 6761): an answer shows that it was resolved by
// the proxy alone.

import NIOCore
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.serialized) struct ProxyTests {
    private static let name = "authority.nightjar.invalid"

    private struct Case: CustomTestStringConvertible, Sendable {
        let kind: String
        let credentials: Bool
        var testDescription: String { "\(kind)\(credentials ? " with a password" : "")" }
        var options: [String] { ["--kind", kind] + (credentials ? ["--user", "ann", "--password", "p:@%"] : []) }
        func address(_ port: Int, password: String = "p%3A%40%25") -> String {
            "\(kind)://\(credentials ? "ann:\(password)@" : "")127.0.0.1:\(port)"
        }
        /// What the proxy says of a request to `name`.
        func line(_ name: String) -> String {
            "\(kind == "http" ? "CONNECT" : "NAME") \(name) 80 \(credentials ? "ann" : "-")"
        }
    }

    private static let cases = ["http", "socks5"].flatMap { kind in
        [false, true].map { Case(kind: kind, credentials: $0) }
    }

    @Test(arguments: cases) private func requestsGoThroughAndNamesAreResolvedThere(_ test: Case) async throws {
        let text = prose(400_000)
        let backend = MemoryBackend([.descriptors: ServedDocument(text), .network: ServedDocument([65])])
        let server = try await RunningServer(backend)
        defer { server.stop() }
        let (proxy, port) = try await PythonPeer.proxy(test.options + ["--map", "\(Self.name)=\(server.port)"])
        defer { proxy.stop() }
        let client = DirectoryHTTPClient(proxy: try ProxySettings(test.address(port)))
        #expect(try await client.get("http://\(Self.name)/descriptors", limit: 400_000) == .document(text))
        #expect(try await proxy.line() == test.line(Self.name))
        #expect(try await client.post(text, to: "http://\(Self.name)/votes").status == 200)
        #expect(backend.posted.first?.bytes == text)
        // Addresses go through it, too.
        #expect(try await client.get(server.url + "/network", limit: 1) == .document([65]))
        #expect(server.server.connections <= 3)
        // A name that the proxy does not know.
        await #expect(throws: FetchError.self) { try await client.get("http://other.invalid/network", limit: 1) }
        do throws(FetchError) {
            _ = try await client.get("http://other.invalid/network", limit: 1)
        } catch {
            #expect("\(error)".hasPrefix("no connection through the proxy: "), "\(error)")
        }
    }

    @Test(arguments: cases.filter(\.credentials)) private func aWrongPasswordIsTold(_ test: Case) async throws {
        let (proxy, port) = try await PythonPeer.proxy(test.options)
        defer { proxy.stop() }
        let client = DirectoryHTTPClient(proxy: try ProxySettings(test.address(port, password: "wrong")))
        await #expect(throws: FetchError.proxy("it wants another user and password")) {
            try await client.get("http://\(Self.name)/network", limit: 1)
        }
        #expect(try await proxy.line() == "refused")
    }

    @Test(arguments: cases) private func aProxyThatIsNotThereIsTold(_ test: Case) async throws {
        let (proxy, port) = try await PythonPeer.proxy(test.options)
        proxy.stop()
        let client = DirectoryHTTPClient(proxy: try ProxySettings(test.address(port)))
        do throws(FetchError) {
            _ = try await client.get("http://\(Self.name)/network", limit: 1)
            Issue.record("fetched without the proxy")
        } catch {
            #expect("\(error)".hasPrefix("no connection through the proxy: "), "\(error)")
        }
    }

    /// Only who knows the relay's secret is connected.
    @Test func theRelayConnectsNobodyElse() async throws {
        let (proxy, port) = try await PythonPeer.proxy(["--kind", "socks5", "--user", "ann", "--password", "x"])
        defer { proxy.stop() }
        let relay = SOCKSRelay(
            proxy: try ProxySettings("socks5://ann:x@127.0.0.1:\(port)"), connectTimeout: .seconds(5))
        let relayPort = try await relay.port()
        let wrong = Base64.encode(Array("nightjar:\(String(repeating: "0", count: 64))".utf8))
        for field in ["", "proxy-authorization: Basic \(wrong)\r\n", "proxy-authorization: x\r\n"] {
            let answer = try await RawConnection(port: relayPort).exchange([
                "CONNECT 127.0.0.1:80 HTTP/1.1\r\n\(field)\r\n"
            ])
            #expect(answer.hasPrefix("HTTP/1.1 407 "), "\(answer)")
        }
        let other = try await RawConnection(port: relayPort).exchange(["GET / HTTP/1.1\r\n\r\n"])
        #expect(other.hasPrefix("HTTP/1.1 400 "))
        let long = try await RawConnection(port: relayPort).exchange([String(repeating: "x", count: 9000)])
        #expect(long.hasPrefix("HTTP/1.1 400 ") || long.isEmpty)
        withExtendedLifetime(relay) {}
    }
}
