import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Measurement reports")
struct MeasurementReportTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    /// A report that uses every item and word.
    private static func full() throws -> MeasurementReport {
        var first = Finding.node(1, 985)
        first.within = ReportedArrivals(tenMinutes: 900, hour: 980, sixHours: 985, day: 985)
        first.entry = ReportedShare(value: 1000, samples: 40)
        first.mailbox = ReportedShare(value: 995, samples: 31)
        first.deliveries = ReportedShare(value: 900, samples: 10)
        first.handshakes = ReportedShare(value: 990, samples: 120)
        (first.duplicates, first.damaged) = (1, 2)
        let nodes = [Finding.node(3, 800, latency: nil), first, ReportedNode(id: NodeID(copying: 2))]
        return try Finding.report(1, nodes, links: [Finding.link(3, 1), Finding.link(1, 3)])
    }

    @Test("the form is that of the golden file")
    func golden() throws {
        let made = try Self.full()
        let golden = try DescriptorTests.golden("report.txt", recording: made.bytes)
        let read = try UnverifiedReport(golden).verify(in: Ballot.of(4).file)
        #expect(read.digest == made.digest)
        #expect(read.contents == made.contents)
        #expect(read.key == (try Finding.key(1)).verificationKey)
        #expect(read.nodes.map(\.id) == [1, 2, 3].map { NodeID(copying: $0) })
        #expect(read.nodes[0].relay == ReportedEstimate(value: 985, low: 975, high: 995, samples: 200))
        #expect(read.nodes[0].deliveries == ReportedShare(value: 900, samples: 10))
        #expect(read.nodes[1].relay == nil)
        #expect(read.nodes[2].latency == nil)
        #expect(read.brokenLinks == [Finding.link(1, 3), Finding.link(3, 1)])
        // All but the signature: half of it is random.
        let items = try [golden, made.bytes].map { try Document.parse($0).map(\.item).dropLast() }
        #expect(items[0] == items[1])
    }

    @Test("numbers are rounded when a report is made, and an interval never gets narrower")
    func rounding() throws {
        var node = ReportedNode(
            id: NodeID(copying: 1),
            relay: ReportedEstimate(fraction: 0.9834, low: 0.9716, high: 0.9911, samples: 1234),
            latency: .seconds(44), within: ReportedArrivals(fractions: 0.5, hour: 0.985, sixHours: 0.9876, day: 1))
        node.handshakes = ReportedShare(good: 2, of: 3)
        var contents = try Finding.contents(1, [node])
        contents.published = contents.published + .milliseconds(999)
        let read = try MeasurementReport.make(contents, network: Ballot.of(4).file, key: Finding.key(1))
        #expect(read.nodes[0].relay == ReportedEstimate(value: 985, low: 970, high: 995, samples: 1234))
        #expect(read.nodes[0].latency == .seconds(30))
        #expect(read.nodes[0].within == ReportedArrivals(tenMinutes: 500, hour: 985, sixHours: 990, day: 1000))
        #expect(read.nodes[0].handshakes == ReportedShare(value: 665, samples: 3))
        #expect(read.published.milliseconds % 1000 == 0)
        // The same from parts of 1000 that nobody rounded.
        contents.nodes[0].relay = ReportedEstimate(value: 983, low: 971, high: 991, samples: 1234)
        contents.nodes[0].latency = .days(30)
        let again = try MeasurementReport.make(contents, network: Ballot.of(4).file, key: Finding.key(1))
        #expect(again.nodes[0].relay == read.nodes[0].relay)
        #expect(again.nodes[0].latency == NodeMeasurement.maximumLatency)
        #expect(ReportedShare(good: 0, of: 0) == nil)
        for strange in [Double.nan, .infinity, -.infinity, -3] {
            #expect(ReportedEstimate(fraction: strange, low: 0, high: 1, samples: 1).value == 0)
        }
    }

    @Test("what is written is read as it was, and written again it is the same", arguments: 0..<20)
    func writeParseWrite(seed: Int) throws {
        var generator = SeededRandom(name: "reports \(seed)")
        let contents = try Finding.random(.random(in: 0...40, using: &generator), using: &generator)
        let file = try Ballot.of(4).file
        let made = try MeasurementReport.make(contents, network: file, key: Finding.key(1))
        let read = try UnverifiedReport(made.bytes).verify(in: file)
        #expect(read.contents == contents)
        let again = try MeasurementReport.make(read.contents, network: file, key: Finding.key(1))
        #expect(again.digest == made.digest)
        #expect(again.bytes != made.bytes, "half of every signature is random")
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        var generator = SeededRandom(name: "report bytes")
        let file = try Ballot.of(4).file
        let bytes = try Self.full().bytes
        for _ in 0..<300 {
            var changed = bytes
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(throws: (any Error).self, "byte \(index)") {
                _ = try UnverifiedReport(changed).verify(in: file)
            }
        }
        for changed in [bytes + [10], bytes + bytes, [10] + bytes, Array(bytes.dropLast()), []] {
            #expect(throws: DocumentError.self) { try UnverifiedReport(changed) }
        }
    }

    /// Replaces the first node's word that opens with `name`.
    private static func word(_ name: String, _ value: String) -> Edit {
        { items in
            let at = try items.position("node")
            let index = try #require(items[at].arguments.firstIndex { $0.hasPrefix(name + "=") })
            items[at].arguments[index] = "\(name)=\(value)"
        }
    }

    private static let table: [(String, DocumentError.Reason, Edit)] = [
        ("another version", .value, { try $0.set("nightjar-report", "2") }),
        ("a network name with capitals", .value, { try $0.set("network", "Testing") }),
        ("a name of another form", .value, { try $0.set("pinger", "1ant") }),
        ("no key", .object, { $0[try $0.position("key")].object = nil }),
        ("a short key", .value, { $0[try $0.position("key")].object?.bytes.removeLast() }),
        ("a date of another form", .value, { try $0.set("published", "2026-11-21") }),
        ("a window that ends before it begins", .value, { $0[try $0.position("window")].arguments.reverse() }),
        ("a window that ends later than the report", .value, { try $0.set("published", "2026-11-01T00:00:00Z") }),
        (
            "a window of two months", .value,
            { $0[try $0.position("window")].arguments[0] = "2026-09-21T00:00:00Z" }
        ),
        ("no software", .value, { try $0.set("software") }),
        ("no deadline", .value, { try $0.set("deadline", "0") }),
        ("a deadline of a year", .value, { try $0.set("deadline", "31536000") }),
        ("a deadline with a leading zero", .value, { try $0.set("deadline", "060") }),
        ("more probes than were sent", .value, { try $0.set("probes", "sent=5", "arrived=3", "lost=3", "void=0") }),
        ("counts out of order", .value, { $0[try $0.position("probes")].arguments.swapAt(0, 1) }),
        ("a negative count", .value, { try $0.set("probes", "sent=5", "arrived=3", "lost=-1", "void=0") }),
        ("a node id that is short", .value, { $0[try $0.position("node")].arguments[0].removeLast() }),
        ("a node twice", .value, { $0.insert($0[try $0.position("node")], at: try $0.position("node")) }),
        (
            "nodes out of order", .value,
            { $0[try $0.position("node")].arguments[0] = String(repeating: "f", count: 64) }
        ),
        ("a reliability above all", .value, word("reliability", "1005")),
        ("a reliability that is not rounded", .value, word("reliability", "986")),
        ("a reliability with a leading zero", .value, word("reliability", "0985")),
        ("a reliability with a sign", .value, word("reliability", "+985")),
        ("a reliability outside of its interval", .value, word("low", "990")),
        ("a measurement of nothing", .value, word("samples", "0")),
        ("more samples than there can be", .value, word("samples", "1000000001")),
        ("a number beyond all", .value, word("samples", "99999999999999999999")),
        ("a latency that is not rounded", .value, word("latency", "31")),
        ("a latency of a month", .value, word("latency", "2592000")),
        ("a negative latency", .value, word("latency", "-30")),
        ("arrivals that get fewer", .value, word("within", "990,980,985,985")),
        ("three arrivals", .value, word("within", "900,980,985")),
        ("a share without a count", .value, word("entry", "1000")),
        ("a share of nothing", .value, word("mailbox", "995/0")),
        ("a share of three numbers", .value, word("delivery", "900/10/1")),
        ("no duplicates, in words", .value, word("duplicates", "0")),
        ("an interval without its end", .value, { $0[try $0.position("node")].arguments.remove(at: 3) }),
        ("words out of order", .value, { $0[try $0.position("node")].arguments.swapAt(5, 6) }),
        ("an unknown word", .value, { $0[try $0.position("node")].arguments.append("colour=5") }),
        (
            "a link to itself", .value,
            { items in
                let at = try items.position("broken-link")
                items[at].arguments[1] = items[at].arguments[0]
            }
        ),
        ("a link twice", .value, { $0.insert($0[try $0.position("broken-link")], at: try $0.position("broken-link")) }),
        ("an unknown item", .unexpected, { $0.append(DocumentItem("colour", ["blue"])) }),
        ("items out of order", .unexpected, { $0.swapAt(try $0.position("deadline"), try $0.position("software")) }),
    ]

    @Test("a report that its pinger signed is still refused for", arguments: table.indices)
    func faults(index: Int) throws {
        let (what, reason, edit) = Self.table[index]
        let changed = try Finding.resigned(try Self.full().bytes, 1, edit)
        let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedReport(changed) }
        #expect(error?.reason == reason, "\(what)")
        #expect((error?.line ?? 0) > 0, "\(what): the line is named")
    }

    @Test("a report counts for the key in it and its network alone")
    func belonging() throws {
        let file = try Ballot.of(4).file
        let bytes = try Self.full().bytes
        _ = try UnverifiedReport(try Finding.resigned(bytes, 1)).verify(in: file)
        func refused(_ error: ReportError, _ bytes: [UInt8], in network: NetworkFile) {
            #expect(throws: error) { _ = try UnverifiedReport(bytes).verify(in: network) }
        }
        refused(.otherNetwork("testing"), bytes, in: try AuthoritySet(4, network: "other").file)
        refused(.badSignature("pinger1"), try Finding.resigned(bytes, 1, signer: 2), in: file)
        refused(.badSignature("pinger1"), try Finding.resigned(bytes, 1, kind: .vote), in: file)
        refused(.badSignature("pinger1"), try Finding.resigned(bytes, 1, network: "other"), in: file)
        // Who signs anew with a key of his own has made a report of another pinger.
        let other = try Finding.key(2).verificationKey
        let stolen = try Finding.resigned(bytes, 1, signer: 2) { items in
            items[try items.position("key")].object = DocumentObject("NIGHTJAR PINGER KEY", other.bytes)
        }
        #expect(try UnverifiedReport(stolen).verify(in: file).key == other)
        #expect(try UnverifiedReport(stolen).keyDigest != UnverifiedReport(bytes).keyDigest)
    }

    @Test("a report has room for 2000 nodes and links")
    func bounds() throws {
        func report(nodes: Int, links: Int) throws -> MeasurementReport {
            let many = NodeMeasurement.maximumSamples
            let all = (0..<nodes).map { number in
                var node = ReportedNode(
                    id: NodeID(copying: number),
                    relay: ReportedEstimate(value: 1000, low: 1000, high: 1000, samples: many), latency: .days(10),
                    within: ReportedArrivals(tenMinutes: 1000, hour: 1000, sixHours: 1000, day: 1000))
                let share = ReportedShare(value: 1000, samples: many)
                (node.entry, node.mailbox, node.deliveries, node.handshakes) = (share, share, share, share)
                (node.duplicates, node.damaged) = (many, many)
                return node
            }
            var contents = try Finding.contents(1, all, links: (0..<links).map { Finding.link($0, 9999) })
            contents.software = String(repeating: "x", count: MeasurementReport.maximumSoftware)
            return try MeasurementReport.make(contents, network: Ballot.of(4).file, key: Finding.key(1))
        }
        let most = try report(nodes: 2000, links: 2000)
        #expect(most.nodes.count == 2000)
        #expect(most.bytes.count < MeasurementReport.maximumSize * 9 / 10)
        for (nodes, links) in [(2001, 0), (0, 2001)] {
            let error = #expect(throws: DocumentError.self) { _ = try report(nodes: nodes, links: links) }
            #expect(error?.reason == .value)
        }
        #expect(throws: DocumentError(line: 0, reason: .tooLarge)) {
            try UnverifiedReport([UInt8](repeating: 10, count: MeasurementReport.maximumSize + 1))
        }
    }
}
