// Results day by day, which are kept much longer than the probes that they rest on.

internal import GRDB
public import WireFormat

extension PingStore {
    /// Keeps results; those of a day and a node that are there already are replaced.
    public func saveDays(_ rows: [DayRow]) throws(PingStoreError) {
        try write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (day, node) DO UPDATE SET reliability = excluded.reliability, low = excluded.low,
                        high = excluded.high, samples = excluded.samples, latency = excluded.latency,
                        ten_minutes = excluded.ten_minutes, hour = excluded.hour, six_hours = excluded.six_hours,
                        whole_day = excluded.whole_day, handshakes = excluded.handshakes,
                        handshakes_good = excluded.handshakes_good, deliveries = excluded.deliveries,
                        deliveries_good = excluded.deliveries_good
                    """)
            for row in rows {
                try statement.execute(arguments: [
                    row.day, try number(of: row.node, in: database), row.reliability, row.low, row.high, row.samples,
                    row.latency?.milliseconds, row.tenMinutes, row.hour, row.sixHours, row.wholeDay, row.handshakes,
                    row.handshakesGood, row.deliveries, row.deliveriesGood,
                ])
            }
        }
    }

    /// Results of the days from that of `from` to that of `to`, both included, by day.
    public func days(from: Timestamp, to: Timestamp) throws(PingStoreError) -> [DayRow] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT day, id, reliability, low, high, samples, latency, ten_minutes, hour, six_hours, whole_day,
                        handshakes, handshakes_good, deliveries, deliveries_good
                    FROM day JOIN node ON number = node WHERE day BETWEEN ? AND ? ORDER BY day, number
                    """, arguments: [Self.day(of: from), Self.day(of: to)]
            ).map { row in
                DayRow(
                    day: try row.int(0), node: try node(row.text(1)), reliability: try row.maybeInt(2),
                    low: try row.maybeInt(3), high: try row.maybeInt(4), samples: try row.int(5),
                    latency: try row.maybeInteger(6).map(Interval.init(milliseconds:)),
                    tenMinutes: try row.maybeInt(7), hour: try row.maybeInt(8), sixHours: try row.maybeInt(9),
                    wholeDay: try row.maybeInt(10), handshakes: try row.int(11), handshakesGood: try row.int(12),
                    deliveries: try row.int(13), deliveriesGood: try row.int(14))
            }
        }
    }

    /// Keeps counts of links; those of a day and a link that are there already are replaced.
    public func saveLinkDays(_ rows: [LinkDayRow]) throws(PingStoreError) {
        try write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO link_day VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (day, from_node, to_node)
                    DO UPDATE SET arrived = excluded.arrived, lost = excluded.lost
                    """)
            for row in rows {
                try statement.execute(arguments: [
                    row.day, try number(of: row.from, in: database), try number(of: row.to, in: database), row.arrived,
                    row.lost,
                ])
            }
        }
    }

    /// Counts of links of the days from that of `from` to that of `to`, both included, by day.
    public func linkDays(from: Timestamp, to: Timestamp) throws(PingStoreError) -> [LinkDayRow] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT day, a.id, b.id, arrived, lost FROM link_day
                    JOIN node AS a ON a.number = from_node JOIN node AS b ON b.number = to_node
                    WHERE day BETWEEN ? AND ? ORDER BY day, from_node, to_node
                    """, arguments: [Self.day(of: from), Self.day(of: to)]
            ).map { row in
                LinkDayRow(
                    day: try row.int(0), from: try node(row.text(1)), to: try node(row.text(2)),
                    arrived: try row.int(3), lost: try row.int(4))
            }
        }
    }

    /// Days since 1970-01-01 UTC.
    public static func day(of time: Timestamp) -> Int {
        let seconds = time.seconds
        return Int(seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400))
    }
}
