import Daemon
import Foundation
import Metrics
import TestSupport
import Testing
import WireFormat

enum Reason: String, MetricLabel { case replay, badMAC }

@Suite struct CountersTests {
    @Test func countsAreExposedInPrometheusForm() {
        let counters = Counters()
        counters.count("packets_received_total", help: "Packets received.").increment(by: 3)
        let drops = counters.count("packets_dropped_total", by: "reason", Reason.self, help: "Dropped\nby \\ reason.")
        drops.increment(.badMAC)
        drops.increment(.badMAC, by: -5)
        let gauge = counters.gauge("queue_packets", help: "Waiting.")
        gauge.set(2)
        gauge.add(0.5)
        counters.gauge("answer", help: "Asked for when read.") { 42 }
        #expect(
            counters.exposition() == """
                # HELP nightjar_answer Asked for when read.
                # TYPE nightjar_answer gauge
                nightjar_answer 42
                # HELP nightjar_packets_dropped_total Dropped\\nby \\\\ reason.
                # TYPE nightjar_packets_dropped_total counter
                nightjar_packets_dropped_total{reason="replay"} 0
                nightjar_packets_dropped_total{reason="badMAC"} 1
                # HELP nightjar_packets_received_total Packets received.
                # TYPE nightjar_packets_received_total counter
                nightjar_packets_received_total 3
                # HELP nightjar_queue_packets Waiting.
                # TYPE nightjar_queue_packets gauge
                nightjar_queue_packets 2.5

                """)
        #expect(drops.all == [.replay: 0, .badMAC: 1])
        #expect(counters.snapshot().first { $0.label?.value == "badMAC" }?.value == 1)
        #expect(counters.count("packets_received_total", help: "").current == 3, "the same name is the same count")
    }

    @Test func nothingIsLostBetweenThreads() async {
        let counters = Counters()
        let count = counters.count("total", help: "")
        let gauge = counters.gauge("level", help: "")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        count.increment()
                        gauge.add(1)
                    }
                }
            }
        }
        #expect(count.current == 80_000)
        #expect(gauge.current == 80_000)
    }

    @Test func librariesCountWithoutTheirDimensions() {
        let counters = Counters()
        let factory = CountersFactory(counters)
        Counter(label: "http.requests", dimensions: [("peer", "10.0.0.1")], factory: factory).increment(by: 2)
        Counter(label: "http.requests", dimensions: [("peer", "10.0.0.2")], factory: factory).increment()
        Metrics.Gauge(label: "pool", factory: factory).record(5)
        Meter(label: "meter", factory: factory).increment(by: 1.5)
        Metrics.Timer(label: "wait", factory: factory).recordMilliseconds(3)
        let text = counters.exposition()
        #expect(text.contains("\nnightjar_library_http_requests_total 3\n"))
        #expect(text.contains("\nnightjar_library_pool 5\n"))
        #expect(text.contains("\nnightjar_library_meter 1.5\n"))
        #expect(text.contains("\nnightjar_library_wait_count 1\n"))
        #expect(text.contains("\nnightjar_library_wait_nanoseconds_sum 3000000\n"))
        #expect(!text.contains("10.0.0"))
        for index in 0..<1000 { Counter(label: "c\(index)", factory: factory).increment() }
        #expect(counters.snapshot().count <= CountersFactory.mostNames)
    }
}

/// A blocking client over a plain socket.
struct PlainClient: ~Copyable {
    let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    func send(_ text: String) { _ = Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    /// All that comes until the server closes.
    func receiveAll() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: buffer[0..<count])
        }
    }

    deinit { close(descriptor) }
}

@Suite struct MetricsServerTests {
    func serve(
        resolution: Interval = .zero, longestExchange: Duration = .seconds(10),
        _ body: (Int, Counters, Health) async throws -> Void
    ) async throws {
        let counters = Counters()
        let health = Health()
        var settings = MetricsSettings(port: 0, resolution: resolution)
        settings.longestExchange = longestExchange
        let server = try MetricsServer(settings, counters: counters, health: health)
        let port = try await server.start()
        try await body(port, counters, health)
        await server.stop()
    }

    func ask(_ port: Int, _ request: String) throws -> String {
        let client = try PlainClient(port: port)
        client.send(request)
        return client.receiveAll()
    }

    @Test func countsAndHealthAreServed() async throws {
        try await serve { port, counters, health in
            counters.count("x_total", help: "X.").increment()
            let metrics = try ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(metrics.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(metrics.contains("content-type: text/plain; version=0.0.4"))
            #expect(
                metrics.hasSuffix(
                    "\r\n\r\n# HELP nightjar_x_total X.\n# TYPE nightjar_x_total counter\nnightjar_x_total 1\n"))
            #expect(try ask(port, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n").hasSuffix("\r\n\r\nok\n"))
            health.set("spool", trouble: "80 % full")
            let ill = try ask(port, "GET /health?x HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(ill.hasPrefix("HTTP/1.1 503 ") && ill.hasSuffix("\r\n\r\nspool: 80 % full\n"))
            health.set("spool", trouble: nil)
            #expect(try ask(port, "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n").hasSuffix("\r\n\r\n"))
        }
    }

    @Test func anythingElseIsRefused() async throws {
        try await serve { port, _, _ in
            let lost = try ask(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(lost.hasPrefix("HTTP/1.1 404 "))
            let post = try ask(port, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nabc")
            #expect(post.hasPrefix("HTTP/1.1 405 "))
            let garbage = try ask(port, "\u{16}\u{3}\u{1}garbage\r\n\r\n")
            #expect(garbage.hasPrefix("HTTP/1.1 400 "))
            let long = try ask(port, "GET /metrics HTTP/1.1\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n")
            #expect(!long.contains(" 200 "))
            var random = SeededRandom(name: "http noise")
            for _ in 0..<50 {
                let noise = try ask(port, String(decoding: random.bytes(100), as: UTF8.self) + "\r\n\r\n")
                #expect(!noise.contains(" 200 "))
            }
            let old = try ask(port, "GET /health HTTP/1.0\r\n\r\n")
            #expect(old.hasSuffix("ok\n"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func connectionsAreBounded() async throws {
        try await serve { port, _, _ in
            let silent = try (0..<MetricsServer.mostConnections).map { _ in try OpenClient(port: port) }
            // Once all of them are in, one more is closed unread; when one of them goes, there is room again.
            while !(try ask(port, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n").isEmpty) {}
            silent[0].close()
            var answer = ""
            while answer.isEmpty { answer = try ask(port, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n") }
            #expect(answer.hasSuffix("ok\n"))
            withExtendedLifetime(silent) {}
        }
    }

    @Test(.timeLimit(.minutes(1))) func whoSaysNothingIsCut() async throws {
        try await serve(longestExchange: .milliseconds(100)) { port, _, _ in
            let client = try PlainClient(port: port)
            client.send("GET /metrics HT")
            #expect(client.receiveAll().isEmpty)
        }
    }

    @Test func countsAreKeptForAWhile() async throws {
        try await serve(resolution: .hours(1)) { port, counters, _ in
            let count = counters.count("x_total", help: "X.")
            let first = try ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            count.increment()
            #expect(try ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") == first)
        }
    }

    @Test func onlyLoopbackIsServed() throws {
        for host in ["0.0.0.0", "192.168.1.1", "::", "localhost", "127.0.0.1.example.org", "127.1"] {
            #expect(throws: CommandFailure.self) {
                try MetricsServer(MetricsSettings(host: host, port: 0), counters: Counters(), health: Health())
            }
        }
        let file = try ConfigFile(text: "[metrics]\nport = 9100\nhost = \"0.0.0.0\"", name: "n.toml")
        _ = MetricsSettings(file.root)
        let error = #expect(throws: ConfigError.self) { try file.finish() }
        #expect(error?.description.hasPrefix("n.toml:3: 'host': 0.0.0.0 can be reached from outside") == true)
        #expect(try MetricsSettings(ConfigFile(text: "", name: "n.toml").root) == nil)
    }

    @Test func aTakenPortIsSaid() async throws {
        try await serve { port, _, _ in
            let second = try MetricsServer(MetricsSettings(port: port), counters: Counters(), health: Health())
            let failure = await #expect(throws: CommandFailure.self) { _ = try await second.start() }
            #expect(failure?.message == "cannot serve metrics on 127.0.0.1 port \(port): address already in use")
        }
    }
}

/// A connection that can stand in an array.
final class OpenClient {
    private var client: PlainClient?
    init(port: Int) throws { client = try PlainClient(port: port) }
    func close() { client = nil }
}
