import Daemon
import Directory
import DirectoryService
import Foundation
import GRDB
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// What was stored and cannot be read any more is counted, and nothing older takes its place.
@Suite(.serialized) struct DamagedStoreTests {
    /// Changes a byte in all stored documents of a kind.
    private static func damage(_ kind: StoredDocumentKind, _ fleet: AuthorityFleet) throws {
        let queue = try DatabaseQueue(path: AuthorityFiles(directory: fleet.settings[0].dataDirectory).database)
        try queue.write { database in
            try database.execute(
                sql: "UPDATE document SET bytes = CAST(? || substr(bytes, 2) AS BLOB) WHERE kind = ?",
                arguments: [Data([0x21]), kind.rawValue])
        }
        try queue.close()
    }

    @Test(.timeLimit(.minutes(3))) func itIsCountedAndNothingOlderComesBack() async throws {
        let pingers = try PingerStage(1)
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20)) { _, settings in
            settings.pingers = pingers.trusted([0])
        }
        let identity = try SigningKey.generate()
        var fields = try fleet.node("alpha").fields
        fields.published = fields.published - .minutes(5)
        let descriptor = try Descriptor.make(fields, identity: identity)
        func statement(age: Interval) throws -> [UInt8] {
            try OptOutStatement.make(
                [], network: fleet.network.name, published: ScaledClock.systemTime() - age, identity: identity
            ).bytes
        }
        func damaged(_ kind: String) throws -> Int64 {
            try fleet.authority(0).parts.counters.current("stored_unreadable", kind: kind)
        }
        let older = try statement(age: .minutes(2))
        try await fleet.start([0])
        #expect(try await fleet.post(descriptor.bytes, as: .descriptor, to: 0).status == 200)
        #expect(try await fleet.post(statement(age: .minutes(1)), as: .optOuts, to: 0).status == 200)
        let report = try pingers.report(0, [PingerStage.node(descriptor.id, 990)], network: fleet.network)
        try await fleet.post(report, to: [0])
        #expect(try damaged("opt-outs") == 0)
        try await fleet.stop(0)

        try Self.damage(.optOuts, fleet)
        try Self.damage(.report, fleet)
        try await fleet.start([0])
        #expect(try damaged("opt-outs") == 1 && damaged("report") == 1 && damaged("descriptor") == 0)
        // Damaged or not, what came before it stays refused.
        let answer = try await fleet.post(older, as: .optOuts, to: 0)
        #expect(answer.status == 403 && answer.words.contains("only newer ones"), "\(answer)")
        #expect(try await fleet.post(statement(age: .seconds(-60)), as: .optOuts, to: 0).status == 200)
        #expect(try await fleet.authority(0).reports.known().map { $0.newest?.report.digest } == [nil])
        try await fleet.stop(0)

        try Self.damage(.descriptor, fleet)
        try await fleet.start([0])
        #expect(try damaged("descriptor") == 1)
        fields.published = fields.published + .minutes(1)
        let next = try Descriptor.make(fields, identity: identity)
        #expect(try await fleet.post(next.bytes, as: .descriptor, to: 0).status == 200)
        try await fleet.stopAll()
    }
}
