// measurements.json: everything but the history (doc/PINGER.md, what it writes). Keys are never renamed or taken away
// within a version; new ones may come.

internal import Directory
internal import Measurement
internal import WireFormat

struct MeasurementsJSON {
    static let version = 1

    let facts: PingerFacts

    var text: String {
        let analysis = facts.analysis
        return JSONValue.object([
            ("format", .string("nightjar-measurements")),
            ("version", .int(Self.version)),
            ("pinger", .string(facts.name)),
            ("software", .string(facts.software)),
            ("network", .string(facts.network)),
            ("test", .bool(facts.isTest)),
            ("made", .string(facts.made.description)),
            ("analysed", .string(analysis.made.description)),
            ("silence", .string(facts.silence)),
            ("problems", .list(facts.problems.map { .string($0) })),
            ("deadline_seconds", Self.seconds(facts.deadline)),
            ("window_seconds", Self.seconds(facts.window)),
            ("half_life_seconds", Self.seconds(facts.halfLife)),
            ("minimum_samples", .int(facts.minimumSamples)),
            ("first", .string(analysis.first?.description)),
            ("last", .string(analysis.last?.description)),
            ("probes", probes),
            ("within", Self.within(analysis.arrivals)),
            ("nodes", .lines(facts.nodes.map(node))),
            ("links", .lines(analysis.links.sorted { $0.key < $1.key }.map { link($0.key, $0.value) })),
        ]).document
    }

    private var probes: JSONValue {
        .object(
            ProbeKind.allCases.map { kind in
                let counts = facts.analysis.counts[kind] ?? OutcomeCounts()
                return (
                    kind.rawValue,
                    .object([
                        ("arrived", .int(counts.arrived)), ("lost", .int(counts.lost)),
                        ("pending", .int(counts.pending)), ("void", .int(counts.void)),
                    ])
                )
            })
    }

    private func node(_ id: NodeID) -> JSONValue {
        let result = facts.analysis.nodes[id] ?? NodeResult()
        return .object([
            ("id", .string(id.hex)),
            ("nickname", .string(facts.nicknames[id])),
            ("listed", .bool(facts.flags[id] != nil)),
            ("flags", .list((facts.flags[id] ?? []).sorted().map { .string($0.rawValue) })),
            ("relay", Self.estimate(result.relay)),
            ("entry", Self.estimate(result.entry)),
            ("mailbox", Self.estimate(result.mailbox)),
            ("added_latency_seconds", .int(result.addedLatency.map(Coarse.latency))),
            ("within", Self.within(result.arrivals)),
            ("handshakes", Self.share(result.handshakes)),
            ("ahead", Self.share(result.ahead)),
            ("deliveries", Self.share(result.deliveries)),
            ("duplicates", .int(result.duplicates)),
            ("damaged", .int(result.damaged)),
        ])
    }

    private func link(_ link: NodeLink, _ result: LinkResult) -> JSONValue {
        .object([
            ("from", .string(link.from.hex)), ("to", .string(link.to.hex)),
            ("arrived", .int(result.arrived)), ("lost", .int(result.lost)),
            ("estimate", Self.estimate(result.estimate)),
            ("broken", .bool(result.isBroken)),
            ("agreed_broken", .bool(facts.agreedBroken.contains(link))),
        ])
    }

    private static func estimate(_ estimate: Estimate?) -> JSONValue {
        guard let estimate else { return .null }
        let coarse = Coarse.estimate(estimate)
        return .object([
            ("permille", .int(coarse.value)), ("low", .int(coarse.low)), ("high", .int(coarse.high)),
            ("samples", .int(estimate.samples)),
        ])
    }

    private static func within(_ shares: ArrivalShares?) -> JSONValue {
        guard let shares else { return .null }
        return .object([
            ("ten_minutes", .int(Coarse.permille(shares.tenMinutes))), ("hour", .int(Coarse.permille(shares.hour))),
            ("six_hours", .int(Coarse.permille(shares.sixHours))), ("day", .int(Coarse.permille(shares.day))),
            ("samples", .int(shares.samples)),
        ])
    }

    private static func share(_ share: Share) -> JSONValue {
        .object([("good", .int(share.good)), ("total", .int(share.total))])
    }

    private static func seconds(_ interval: Interval) -> JSONValue { .int(Int(interval.milliseconds / 1000)) }
}
