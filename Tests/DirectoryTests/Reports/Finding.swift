import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

/// Reports of made-up pingers.
enum Finding {
    static let start = Ballot.start

    static func key(_ number: Int) throws -> HybridSigningKey { try TestDirectory.hybridKey(10 + UInt8(number)) }

    static func name(_ number: Int) throws -> Nickname { try #require(Nickname("pinger\(number)")) }

    /// A node of which `reliability` of 1000 are known, give or take 10.
    static func node(
        _ number: Int, _ reliability: Int, high: Int? = nil, latency: Interval? = .seconds(30), samples: Int = 200
    ) -> ReportedNode {
        ReportedNode(
            id: NodeID(copying: number),
            relay: ReportedEstimate(
                value: reliability, low: max(0, reliability - 10), high: high ?? min(1000, reliability + 10),
                samples: samples), latency: latency)
    }

    static func link(_ from: Int, _ to: Int) -> NodeLink {
        NodeLink(from: NodeID(copying: from), to: NodeID(copying: to))
    }

    static func contents(
        _ pinger: Int, _ nodes: [ReportedNode] = [], links: [NodeLink] = [], published: Timestamp = start - .minutes(5)
    ) throws -> ReportContents {
        ReportContents(
            pinger: try name(pinger), published: published, from: published - .days(12), to: published - .minutes(1),
            deadline: .hours(6), software: "nightjar-pinger 0.1",
            counts: ReportedCounts(sent: 5000, arrived: 4800, lost: 120, void: 30), nodes: nodes, brokenLinks: links)
    }

    static func report(
        _ pinger: Int, _ nodes: [ReportedNode] = [], links: [NodeLink] = [], published: Timestamp = start - .minutes(5)
    ) throws -> MeasurementReport {
        try MeasurementReport.make(
            try contents(pinger, nodes, links: links, published: published), network: Ballot.of(4).file,
            key: key(pinger))
    }

    /// Contents of any kind that a report allows, rounded.
    static func random(_ nodeCount: Int, using generator: inout SeededRandom) throws -> ReportContents {
        func permille(_ range: ClosedRange<Int>) -> Int {
            .random(in: range.lowerBound / 5...range.upperBound / 5, using: &generator) * 5
        }
        func share() -> ReportedShare? {
            Bool.random(using: &generator)
                ? nil : ReportedShare(value: permille(0...1000), samples: .random(in: 1...1_000_000, using: &generator))
        }
        var contents = try contents(Int.random(in: 1...3, using: &generator))
        for number in 1..<(nodeCount + 1) {
            var node = ReportedNode(id: NodeID(copying: number))
            if Bool.random(using: &generator) {
                let value = permille(0...1000)
                node.relay = ReportedEstimate(
                    value: value, low: permille(0...value), high: permille(value...1000),
                    samples: .random(in: 1...NodeMeasurement.maximumSamples, using: &generator))
            }
            if Bool.random(using: &generator) {
                node.latency = .seconds(Int64.random(in: 0...28_800, using: &generator) * 30)
            }
            if Bool.random(using: &generator) {
                let times = (0..<4).map { _ in permille(0...1000) }.sorted()
                node.within = ReportedArrivals(
                    tenMinutes: times[0], hour: times[1], sixHours: times[2], day: times[3])
            }
            (node.entry, node.mailbox, node.deliveries, node.handshakes) = (share(), share(), share(), share())
            node.duplicates = Bool.random(using: &generator) ? 0 : .random(in: 1...9, using: &generator)
            node.damaged = Bool.random(using: &generator) ? 0 : .random(in: 1...9, using: &generator)
            contents.nodes.append(node)
            if number > 1, Int.random(in: 0..<3, using: &generator) == 0 {
                contents.brokenLinks.append(link(number - 1, number))
            }
        }
        return contents
    }

    /// `bytes` with its items changed and signed anew by the key that it carries.
    static func resigned(
        _ bytes: [UInt8], _ pinger: Int, signer: Int? = nil, kind: DocumentKind = .report, network: String = "testing",
        _ change: (inout [DocumentItem]) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        var items = try Document.parse(bytes).map(\.item).dropLast().map { $0 }
        try change(&items)
        let body = Document.write(items)
        let message = Array("nightjar signature 1\n\(kind.rawValue)\n\(network)\n".utf8) + body
        let signature = try key(signer ?? pinger).sign(message)
        return body
            + Document.write([DocumentItem("signature", [], object: DocumentObject("NIGHTJAR SIGNATURE", signature))])
    }
}
