import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// `contrib/postgres/load` with a real server, and the queries of doc/PINGER_DATABASE.md in both databases.
@Suite(.serialized) struct PostgresTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let load = root.appendingPathComponent("contrib/postgres/load").path

    /// Some days of everything that a pinger records.
    private func work(_ fixture: inout PingFixture, from first: Int, count: Int) throws {
        let store = fixture.store
        for number in first..<(first + count) {
            let time = Interval.minutes(Int64(number) * 13)
            let length = Int.random(in: 1...5, using: &fixture.random)
            let path = Array((0..<6).shuffled(using: &fixture.random).prefix(length))
            let kind = PingKind.allCases[number % 4]
            let ping = fixture.ping(
                kind, hops: path, mailbox: kind == .delivery ? nil : path[length - 1], planned: time)
            let id = try store.add(ping)
            if number % 17 == 3 { continue }
            if number % 17 == 4 { try store.noteUnsent(id) }
            try store.noteSent(id, at: fixture.at(time + .seconds(1)))
            let travel = Interval.seconds(Int64.random(in: 60...30_000, using: &fixture.random))
            func back(_ item: UInt64, _ content: Digest?) throws {
                _ = try store.noteReturn(
                    tag: ping.tag, content: content, at: fixture.at(time + travel),
                    notBefore: fixture.at(time + travel - .minutes(5)), item: item)
            }
            if number % 10 < 8 { try back(UInt64(number), ping.content) }
            if number % 20 == 0 { try back(UInt64.max - UInt64(number), ping.content) }
            if number % 30 == 0 { try back(UInt64(number) + 1_000_000, nil) }
            for node in fixture.nodes + [nil] { try store.noteEmptied(node, at: fixture.at(time)) }
            try store.noteHandshake(
                fixture.nodes[number % 6], at: fixture.at(time), took: number % 9 == 0 ? nil : .milliseconds(80))
            _ = try fixture.judge(time)
            try store.noteAlive(fixture.at(time))
            let day = PingStore.day(of: fixture.at(time))
            try store.saveDays([
                DayRow(day: day, node: fixture.nodes[0], reliability: 950 + number % 50, samples: number),
                DayRow(day: day, node: fixture.nodes[1]),
            ])
            try store.saveLinkDays([
                LinkDayRow(
                    day: day, from: fixture.nodes[0], to: fixture.nodes[number % 5 + 1], arrived: number, lost: 2)
            ])
        }
        let from = fixture.at(.minutes(Int64(first) * 13))
        try store.addGap(from: from, to: from + .hours(1), reason: "off", voiding: true)
        try store.addGap(from: from, to: from + .seconds(1), reason: "clock", voiding: false)
        let end = fixture.at(.minutes(Int64(first + count) * 13))
        try store.addGap(from: end - .hours(2), to: end, reason: "cutOff", voiding: true)
    }

    private func load(_ server: PostgresServer, _ path: String) throws {
        let result = try Command.run(Self.load, [path] + server.arguments)
        #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty, "\(result)")
    }

    /// The rows of a query in SQLite, as `PostgresServer.rows` has them.
    private func rows(_ store: PingStore, _ sql: String) throws -> [String] {
        try store.read { database in
            try Row.fetchAll(database, sql: sql).map { row in
                row.databaseValues.map { value in
                    switch value.storage {
                    case .null: "∅"
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): data.map { String(format: "%02x", $0) }.joined()
                    }
                }.joined(separator: "|")
            }
        }
    }

    /// Every field of every row of every table, and counts and sums both ways.
    private func compare(_ server: PostgresServer, _ store: PingStore) throws {
        for table in PingSchema.tables {
            let columns = try store.read { try $0.columns(in: table) }
            func fields(_ blob: (String) -> String) -> String {
                columns.map { $0.type == "BLOB" ? blob($0.name) : $0.name }.joined(separator: ", ")
            }
            let order = (1...columns.count).map(String.init).joined(separator: ", ")
            let here = try rows(store, "SELECT \(fields { $0 }) FROM \(table) ORDER BY \(order)")
            let there = try server.rows(
                "SELECT \(fields { "encode(\($0), 'hex')" }) FROM \(table) ORDER BY \(order)")
            #expect(Set(here) == Set(there) && here.count == there.count && !here.isEmpty, "\(table)")
            let sums = columns.map {
                $0.type == "INTEGER" ? "COUNT(\($0.name)), SUM(\($0.name) % 1000003)" : "COUNT(\($0.name))"
            }
            .joined(separator: ", ")
            let sql = "SELECT COUNT(*), \(sums) FROM \(table)"
            #expect(try rows(store, sql) == server.rows(sql), "\(table)")
        }
    }

    @Test func everyRowComesOverAndComesOnce() throws {
        let server = try PostgresServer()
        var fixture = try PingFixture(7)
        try fixture.store.noteNickname(fixture.nodes[0], "wren")
        try fixture.store.noteNickname(fixture.nodes[1], "a, \"b\"\\c 'ü'")
        try fixture.store.noteNickname(fixture.nodes[2], "")
        try work(&fixture, from: 0, count: 300)
        try load(server, fixture.path)
        try compare(server, fixture.store)
        // Without news nothing is written again.
        let versions = PingSchema.tables.map { "SELECT xmin::text FROM \($0)" }.joined(separator: " UNION ALL ")
        let before = try server.rows("\(versions) ORDER BY 1")
        try load(server, fixture.path)
        #expect(try server.rows("\(versions) ORDER BY 1") == before)
        // What is new or has changed; of two loads at once each finds it whole.
        try work(&fixture, from: 300, count: 200)
        try fixture.store.noteNickname(fixture.nodes[2], "robin")
        try load(server, fixture.path)
        try compare(server, fixture.store)
        try queries(server, fixture.store)
        // What the pinger forgets stays.
        let count = try server.rows("SELECT COUNT(*) FROM ping WHERE state <> 0")
        try fixture.store.expire(pingsBefore: fixture.at(.days(3)), daysBefore: fixture.at(.days(2)))
        #expect(try rows(fixture.store, "SELECT COUNT(*) FROM ping WHERE state <> 0") != count)
        try load(server, fixture.path)
        #expect(try server.rows("SELECT COUNT(*) FROM ping WHERE state <> 0") == count)
        // Another pinger's rows must not be mixed with these.
        let other = try PingFixture(8)
        let mixed = try Command.run(Self.load, [other.path] + server.arguments)
        #expect(mixed.status == 1 && mixed.errors.contains("hold the rows of another pinger"), "\(mixed.errors)")
        #expect(mixed.errors.hasSuffix("load: nothing was loaded; psql said why\n"))
        _ = try server.rows("CREATE SCHEMA other")
        let apart = try Command.run(
            Self.load, [other.path] + server.arguments, environment: ["PGOPTIONS": "-c search_path=other"])
        #expect(apart.status == 0, "\(apart.errors)")
        #expect(try server.rows("SELECT COUNT(*) FROM other.node") == ["0"])
        #expect(try server.rows("SELECT COUNT(*) FROM ping WHERE state <> 0") == count)
    }

    /// The documented queries give the same in both, and something.
    private func queries(_ server: PostgresServer, _ store: PingStore) throws {
        let page = try String(
            contentsOf: Self.root.appendingPathComponent("doc/PINGER_DATABASE.md"), encoding: .utf8)
        let queries = page.components(separatedBy: "```sql\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(queries.count >= 9)
        for query in queries {
            let here = try rows(store, query)
            #expect(!here.isEmpty, "\(query)")
            #expect(try server.rows(query) == here, "\(query)")
        }
    }

    /// The page names every table and column that there is.
    @Test func everyColumnIsDocumented() throws {
        let page = try String(
            contentsOf: Self.root.appendingPathComponent("doc/PINGER_DATABASE.md"), encoding: .utf8)
        let fixture = try PingFixture()
        for table in PingSchema.tables {
            #expect(page.contains("**\(table)**"), "\(table)")
            for column in try fixture.store.read({ try $0.columns(in: table) }).map(\.name) {
                let isHop = column.hasPrefix("hop") && column.count == 4
                #expect(isHop || page.contains("`\(column)`"), "\(table).\(column)")
            }
        }
    }

    @Test func whatCannotBeLoadedIsSaid() throws {
        let directory = try TemporaryDirectory("nightjar-load")
        func says(
            _ arguments: [String], _ status: Int32, _ words: String, environment: [String: String] = [:]
        ) throws {
            let result = try Command.run("/bin/bash", [Self.load] + arguments, environment: environment)
            #expect(result.status == status && result.errors.contains(words), "\(result)")
        }
        try says([], 2, "usage: load PINGS.DB")
        try says([directory.file("none")], 1, "there is no file")
        let garbage = directory.file("garbage")
        try Data(repeating: 7, count: 9000).write(to: URL(fileURLWithPath: garbage))
        try says([garbage], 1, "cannot be read")
        let foreign = try DatabaseQueue(path: directory.file("foreign"))
        try foreign.write { try $0.execute(sql: "CREATE TABLE x (y)") }
        try says([directory.file("foreign")], 1, "is not a pinger's database")
        let fixture = try PingFixture()
        try says([fixture.path, "-h", directory.path], 1, "nothing was loaded; psql said why")
        fixture.store.close()
        let newer = try DatabaseQueue(path: fixture.path)
        try newer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 2") }
        try says([fixture.path], 1, "of another format")
        try says([fixture.path], 1, "sqlite3 is missing; install it", environment: ["PATH": directory.path])
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("sqlite3"), withDestinationPath: "/usr/bin/sqlite3")
        try says([fixture.path], 1, "psql is missing; install it", environment: ["PATH": directory.path])
    }
}
