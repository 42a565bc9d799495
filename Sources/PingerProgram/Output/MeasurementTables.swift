// nodes.csv, links.csv and history.csv, as RFC 4180 says (doc/PINGER.md, what it writes). What is not known is empty.

internal import Directory
internal import Measurement
internal import WireFormat

/// A table in which every row has as many fields as the first, which names them.
struct CSVText {
    private(set) var text = ""
    private let columns: Int

    init(_ columns: [String]) {
        self.columns = columns.count
        add(columns)
    }

    mutating func add(_ fields: [String?]) {
        precondition(fields.count == columns)
        text += fields.map { Self.quote($0 ?? "") }.joined(separator: ",") + "\r\n"
    }

    private static func quote(_ field: String) -> String {
        guard field.utf8.contains(where: { [0x22, 0x2C, 0x0D, 0x0A].contains($0) }) else { return field }
        return "\"\(field.replacing("\"", with: "\"\""))\""
    }
}

/// The tables.
struct MeasurementTables {
    let facts: PingerFacts

    var nodes: String {
        var table = CSVText(
            ["id", "nickname", "listed", "flags"] + Self.estimateNames("relay") + Self.estimateNames("entry")
                + Self.estimateNames("mailbox") + ["added_latency_seconds"] + Self.withinNames + ["within_samples"]
                + Self.shareNames("handshakes") + Self.shareNames("ahead") + Self.shareNames("deliveries")
                + ["duplicates", "damaged"])
        for id in facts.nodes {
            let result = facts.analysis.nodes[id] ?? NodeResult()
            let arrivals = result.arrivals
            var row: [String?] = [id.hex, facts.nicknames[id], facts.flags[id] == nil ? "0" : "1"]
            row.append((facts.flags[id] ?? []).sorted().map(\.rawValue).joined(separator: " "))
            for estimate in [result.relay, result.entry, result.mailbox] { row += Self.estimate(estimate) }
            row.append(result.addedLatency.map { String(Coarse.latency($0)) })
            row += [arrivals?.tenMinutes, arrivals?.hour, arrivals?.sixHours, arrivals?.day].map { share in
                share.map { String(Coarse.permille($0)) }
            }
            row.append(arrivals.map { String($0.samples) })
            row += Self.share(result.handshakes) + Self.share(result.ahead) + Self.share(result.deliveries)
            row += [String(result.duplicates), String(result.damaged)]
            table.add(row)
        }
        return table.text
    }

    var links: String {
        var table = CSVText(
            ["from", "to", "from_nickname", "to_nickname", "arrived", "lost"] + Self.estimateNames("link")
                + ["broken", "agreed_broken"])
        for (link, result) in facts.analysis.links.sorted(by: { $0.key < $1.key }) {
            table.add(
                [
                    link.from.hex, link.to.hex, facts.nicknames[link.from], facts.nicknames[link.to],
                    String(result.arrived), String(result.lost),
                ] + Self.estimate(result.estimate) + [
                    result.isBroken ? "1" : "0", facts.agreedBroken.contains(link) ? "1" : "0",
                ])
        }
        return table.text
    }

    var history: String {
        var table = CSVText(
            ["date", "id", "nickname"] + Self.estimateNames("relay") + ["added_latency_seconds"] + Self.withinNames
                + Self.shareNames("handshakes") + Self.shareNames("deliveries"))
        for id in facts.nodes {
            for day in facts.history[id] ?? [] {
                var row: [String?] = [Day.text(day.day), id.hex, facts.nicknames[id]]
                row += [day.reliability, day.low, day.high].map { $0.map { String(Coarse.permille($0)) } }
                row += [String(day.samples), day.latency.map { String(Coarse.latency($0)) }]
                row += [day.tenMinutes, day.hour, day.sixHours, day.wholeDay].map { share in
                    share.map { String(Coarse.permille($0)) }
                }
                row += Self.share(day.handshakes) + Self.share(day.deliveries)
                table.add(row)
            }
        }
        return table.text
    }

    private static let withinNames = [
        "within_10min_permille", "within_1h_permille", "within_6h_permille", "within_24h_permille",
    ]

    private static func estimateNames(_ name: String) -> [String] {
        ["\(name)_permille", "\(name)_low", "\(name)_high", "\(name)_samples"]
    }

    private static func estimate(_ estimate: Estimate?) -> [String?] {
        guard let estimate else { return [nil, nil, nil, nil] }
        let coarse = Coarse.estimate(estimate)
        return [String(coarse.value), String(coarse.low), String(coarse.high), String(estimate.samples)]
    }

    private static func shareNames(_ name: String) -> [String] { ["\(name)_good", "\(name)_total"] }
    private static func share(_ share: Share) -> [String?] { [String(share.good), String(share.total)] }
}
