import Foundation
import Messages
import Mixing
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// From parts to deliveries when the node is in trouble.
@Suite("Reassembler", .timeLimit(.minutes(1)))
struct ReassemblerTests {
    private struct OpenGate: RecipientGate {
        func refusal(of address: Address) -> DropReason? { nil }
    }

    @Test("an attempt that fails keeps the parts and leaves no file")
    func leavesNoFile() throws {
        let fixture = try ReplyFixture("reassembler leaves no file")
        let envelope = try Envelope(recipients: [Address("smtp:a@x.example")])
        let encoded = try MessageEncoder.encode(envelope, body: Array("hello\r\n".utf8))
        let parts = try MessageEncoder.parts(of: encoded, using: &fixture.rings.generator).parts(ofGroup: 0)
        let part = try #require(parts.first)
        let row = PartRow(
            message: part.id, group: part.group.number, groups: part.layout.groups, k: part.group.dataShares,
            n: part.group.totalShares, index: part.index, messageLength: part.layout.messageLength)
        let stored = try fixture.spool.performAndWait([
            .acceptPart(
                tag: .random(using: &fixture.rings.generator), period: KeyPeriod(1), part: row,
                deadline: fixture.clock.now + .days(1), share: part.share)
        ])
        #expect(stored == [.partStored(complete: true)])
        let reassembler = Reassembler(
            spool: fixture.spool, gate: OpenGate(), bodyLimit: 1 << 20, deliveryDeadline: .days(1),
            rememberFor: .days(1),
            clock: { [clock = fixture.clock] in clock.now }, ledger: fixture.ledger, receipts: fixture.receipts(),
            keepReplyBlocks: { [counts = fixture.counts] (_, _, _) throws(SpoolError) in
                counts.add("tried", 1)
                throw .database("no room")
            },
            refused: { _ in }, ready: { _ in })
        reassembler.rebuild(part.id, release: fixture.clock.now)
        reassembler.drain()
        // What the failure left to be done.
        reassembler.drain()
        #expect(fixture.counts["tried"] == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.directory.file("spool/files")).isEmpty)
        #expect(try fixture.spool.readMessage(part.id)?.isComplete == true)
    }
}
