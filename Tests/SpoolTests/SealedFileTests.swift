import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct SealedFileTests {
    private func delivery(_ file: FinishedFile, to recipient: String) -> NewDelivery {
        NewDelivery(recipient: recipient, file: file, deadline: SpoolFixture.deadline, nextAttempt: SpoolFixture.start)
    }

    private func store(_ content: [UInt8], in spool: Spool, random: inout SeededRandom) throws -> FinishedFile {
        var writer = try spool.makeFile()
        var rest = content[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...90_000, using: &random))
            try writer.append(piece)
            rest = rest.dropFirst(piece.count)
        }
        let file = try writer.finish()
        _ = try spool.one(.addDeliveries([delivery(file, to: "box:x")]))
        return file
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 400_001])
    func returnsWhatWasWritten(count: Int) throws {
        let fixture = try SpoolFixture("sealed file \(count)")
        let (spool, _) = try fixture.open()
        let content = fixture.body(count)
        let file = try store(content, in: spool, random: &fixture.random)
        #expect(file.length == count)
        var reader = try spool.openFile(file.name)
        #expect(reader.length == count)
        #expect(try reader.rest() == content)
        #expect(try reader.next() == nil)
    }

    @Test func noticesEveryChange() throws {
        let fixture = try SpoolFixture("sealed file damage")
        let (spool, _) = try fixture.open()
        let content = fixture.body(3 * 65_536)
        let file = try store(content, in: spool, random: &fixture.random)
        let url = URL(fileURLWithPath: "\(fixture.path)/files/\(file.name.hex)")
        let good = try Data(contentsOf: url)
        let chunk = 65_552
        #expect(good.count == 3 * chunk)
        var flipped = good
        flipped[Int.random(in: 0..<good.count, using: &fixture.random)] ^= 4
        let exchanged = good[chunk..<2 * chunk] + good[..<chunk] + good[(2 * chunk)...]
        let bad = [
            flipped, exchanged, good.dropLast(), good.dropLast(chunk), good + [0], good + good.suffix(chunk),
            good[..<chunk] + good[(2 * chunk)...], Data(),
        ]
        for data in bad {
            try data.write(to: url)
            var reader = try spool.openFile(file.name)
            #expect(throws: SpoolError.damaged) { try reader.rest() }
        }
        try good.write(to: url)
        var reader = try spool.openFile(file.name)
        #expect(try reader.rest() == content)
    }

    @Test func leavesNothingBehind() throws {
        let fixture = try SpoolFixture("orphans")
        let names = { try PosixDirectory.names(in: fixture.path + "/files") }
        do {
            let (spool, _) = try fixture.open()
            do {
                var writer = try spool.makeFile()
                try writer.append([1, 2, 3])
                #expect(try names().count == 1)
            }
            #expect(try names().isEmpty)
            try spool.discard(try spool.makeFile().finish())
            #expect(try names().isEmpty)
            _ = try spool.makeFile().finish()
            #expect(try names().count == 1)
        }
        _ = try fixture.open()
        #expect(try names().isEmpty)
    }

    @Test func keepsAFileAsLongAsADeliveryNeedsIt() throws {
        let fixture = try SpoolFixture("deliveries")
        let content = fixture.body(1000)
        var name = SealedFileName()
        do {
            let (spool, _) = try fixture.open()
            var writer = try spool.makeFile()
            try writer.append(content)
            let file = try writer.finish()
            name = file.name
            #expect(
                try spool.one(
                    .addDeliveries([delivery(file, to: "smtp:a@example.org"), delivery(file, to: "smtp:b@example.org")])
                )
                    == .completed([DeliveryRowID(1), DeliveryRowID(2)]))
            let later = SpoolFixture.start + .minutes(9)
            #expect(
                try spool.one(.updateDelivery(DeliveryRowID(2), nextAttempt: later, attempts: 3, state: 5)) == .updated)
            #expect(
                try spool.one(.updateDelivery(DeliveryRowID(8), nextAttempt: later, attempts: 3, state: 5))
                    == .removed(0))
            #expect(try spool.one(.finishDelivery(DeliveryRowID(1))) == .removed(1))
            #expect(try spool.one(.finishDelivery(DeliveryRowID(1))) == .removed(0))
        }
        let (spool, recovery) = try fixture.open()
        #expect(
            recovery.deliveries == [
                StoredDelivery(
                    id: DeliveryRowID(2), message: MessageID(), recipient: "smtp:b@example.org", file: name,
                    deadline: SpoolFixture.deadline, nextAttempt: SpoolFixture.start + .minutes(9), attempts: 3,
                    state: 5)
            ])
        var reader = try spool.openFile(name)
        #expect(try reader.rest() == content)
        #expect(try spool.one(.finishDelivery(DeliveryRowID(2))) == .removed(1))
        #expect(throws: SpoolError.unknown) { try spool.openFile(name) }
        spool.close()
        #expect(throws: SpoolError.closed) { try spool.openFile(name) }
        #expect(try PosixDirectory.names(in: fixture.path + "/files").isEmpty)
    }
}
