// The results of single days, from the probes that were sent on them: what graphs of the past are made of, and what stays when
// the probes are forgotten.

internal import Directory
internal import Measurement
internal import Spool
internal import WireFormat

/// Which days are worked out, and what is kept of them.
enum DayResults {
    /// At the start so many days back are worked out again: the pinger may have been off when they could be.
    static let lookBack = 3

    /// The days whose results may still change at `now`.
    /// - Parameters:
    ///   - isFirst: whether this is the first time since the start.
    ///   - kept: how long probes are kept; a day of which some are gone is left as it is.
    static func open(at now: Timestamp, deadline: Interval, kept: Interval, isFirst: Bool) -> Set<Int> {
        let today = PingStore.day(of: now)
        return Set(
            (0...lookBack).map { today - $0 }.filter { day in
                // A probe of its last minute is decided by then.
                let isOpen = isFirst || AnalysisInput.start(of: day + 1) + deadline * 2 > now
                return isOpen && (day == today || AnalysisInput.start(of: day) >= now - kept)
            })
    }

    /// What to keep of a day's analysis. Nodes of which nothing is known have no row.
    static func rows(
        _ analysis: Analysis, day: Int, handshakes: [NodeID: Share]
    ) -> [DayRow] {
        let ids = Set(analysis.nodes.keys).union(handshakes.keys)
        return ids.sorted().compactMap { id in
            let result = analysis.nodes[id] ?? NodeResult()
            let connections = handshakes[id] ?? Share()
            guard
                result.relay != nil || result.arrivals != nil || connections.total > 0 || result.deliveries.total > 0
            else { return nil }
            return DayRow(
                day: day, node: id, reliability: result.relay.map { permille($0.value) },
                low: result.relay.map { permille($0.low) }, high: result.relay.map { permille($0.high) },
                samples: result.relay?.samples ?? 0, latency: result.addedLatency,
                tenMinutes: result.arrivals.map { permille($0.tenMinutes) },
                hour: result.arrivals.map { permille($0.hour) },
                sixHours: result.arrivals.map { permille($0.sixHours) },
                wholeDay: result.arrivals.map { permille($0.day) },
                handshakes: connections.total, handshakesGood: connections.good,
                deliveries: result.deliveries.total, deliveriesGood: result.deliveries.good)
        }
    }

    /// The counts of that day's links.
    static func linkRows(_ analysis: Analysis, day: Int) -> [LinkDayRow] {
        analysis.links.sorted { $0.key < $1.key }.compactMap { link, result in
            guard result.arrived + result.lost > 0 else { return nil }
            return LinkDayRow(day: day, from: link.from, to: link.to, arrived: result.arrived, lost: result.lost)
        }
    }

    /// For pages and tables.
    static func facts(_ row: DayRow) -> DayFacts {
        DayFacts(
            day: row.day, reliability: row.reliability, low: row.low, high: row.high, samples: row.samples,
            latency: row.latency, tenMinutes: row.tenMinutes, hour: row.hour, sixHours: row.sixHours,
            wholeDay: row.wholeDay, handshakes: Share(good: row.handshakesGood, total: row.handshakes),
            deliveries: Share(good: row.deliveriesGood, total: row.deliveries))
    }

    private static func permille(_ fraction: Double) -> Int {
        fraction.isFinite ? Int((min(max(fraction, 0), 1) * 1000).rounded()) : 0
    }
}
