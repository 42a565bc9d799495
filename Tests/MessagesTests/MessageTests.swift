import TestSupport
import Testing
import WireFormat

@testable import Messages

@Suite struct MessageTests {
    static func body(_ count: Int, using rng: inout SeededRandom) -> [UInt8] {
        // Half random, half text, so that it compresses somewhat.
        var body = rng.bytes(count / 2)
        while body.count < count { body += Array("the nightjar flies by night, ".utf8.prefix(count - body.count)) }
        return body
    }

    /// Encodes, cuts, loses and shuffles shares, rebuilds, reads.
    private func roundTrip(_ count: Int, capacity: ShareCapacity, using rng: inout SeededRandom) throws {
        let envelope = try EnvelopeTests.random(using: &rng)
        let body = Self.body(count, using: &rng)
        let encoded = try MessageEncoder.encode(envelope, body: body, capacity: capacity)
        let parts = try MessageEncoder.parts(of: encoded, capacity: capacity, using: &rng)
        #expect(parts.layout.messageLength == encoded.count)

        var assembler = MessageAssembler(layout: parts.layout)
        var groups: [[UInt8]] = []
        var number = 0
        for group in parts {
            let wanted = try #require(assembler.nextGroup)
            #expect(group.count == wanted.totalShares)
            #expect(group.allSatisfy { $0.id == parts.id && $0.group.number == number && $0.layout == parts.layout })
            let kept = group.shuffled(using: &rng).prefix(wanted.dataShares)
            #expect(MessageAssembler.isComplete(Set(kept.map(\.index)), in: wanted))
            #expect(!MessageAssembler.isComplete(Set(kept.dropLast().map(\.index)), in: wanted))
            // Each part crosses the wire.
            let shares = try kept.map { part -> ErasureCode.Share in
                let read = try Part(decoding: part.encoded[...], capacity: capacity)
                #expect(read == part)
                return .init(index: read.index, bytes: read.share)
            }
            groups.append(try assembler.data(from: shares))
            number += 1
        }
        #expect(assembler.nextGroup == nil)
        #expect(Array(groups.joined()) == encoded)

        var source = groups.makeIterator()
        var reader = MessageReader(length: parts.layout.messageLength)
        #expect(try reader.envelope { source.next() } == envelope)
        #expect(reader.bodyLength == body.count)
        var read: [UInt8] = []
        while let chunk = try reader.nextBodyChunk(from: { source.next() }) {
            #expect((1...65_536).contains(chunk.count))
            read += chunk
        }
        #expect(read == body)
        #expect(try reader.nextBodyChunk(from: { source.next() }) == nil)
    }

    @Test(arguments: [0, 1, 2_000, 20_000, 60_000, 300_000])
    func messagesComeThrough(count: Int) throws {
        var rng = SeededRandom(name: "messagesComeThrough")
        try roundTrip(count, capacity: .full, using: &rng)
        try roundTrip(count, capacity: .injected, using: &rng)
    }

    @Test func largeMessagesComeThrough() throws {
        var rng = SeededRandom(name: "largeMessagesComeThrough")
        try roundTrip(5 << 20, capacity: .full, using: &rng)
    }

    @Test func theLimitIsNamed() throws {
        let envelope = try Envelope(recipients: [.drop], bodyKind: .raw)
        let body = [UInt8](repeating: 0, count: MessageLimits.body + 1)
        #expect(throws: MessageError.bodyTooLarge(limit: 8 << 20)) { try MessageEncoder.encode(envelope, body: body) }
        #expect(MessageError.bodyTooLarge(limit: 8 << 20).description.contains("8388608 bytes (8 MiB)"))
    }

    /// What zlib would shrink beyond the ratio that receivers allow is sent as it is.
    @Test func theEncoderKeepsToTheRatio() throws {
        let envelope = try Envelope(recipients: [.drop], bodyKind: .raw)
        for count in [60_000, 65_536, 65_537, 1 << 20] {
            let zeros = [UInt8](repeating: 0, count: count)
            let encoded = try MessageEncoder.encode(envelope, body: zeros)
            #expect(encoded[1] == (count <= 65_536 ? 1 : 0))
            var chunk: [UInt8]? = encoded
            var reader = MessageReader(length: encoded.count)
            _ = try reader.envelope {
                defer { chunk = nil }
                return chunk
            }
            var total = 0
            while let piece = try reader.nextBodyChunk(from: { nil }) { total += piece.count }
            #expect(total == count)
        }
    }

    @Test func compressionIsUsedWhereItSavesAShare() throws {
        let envelope = try Envelope(recipients: [.drop], bodyKind: .raw)
        let text = Array(String(repeating: "the nightjar flies by night. ", count: 2_000).utf8)
        #expect(try MessageEncoder.encode(envelope, body: text)[1] == 1)
        #expect(try MessageEncoder.encode(envelope, body: Array(text.prefix(20_000)))[1] == 0)
        var rng = SeededRandom(name: "compressionIsUsedWhereItSavesAShare")
        #expect(try MessageEncoder.encode(envelope, body: rng.bytes(60_000))[1] == 0)
    }

    @Test func assemblerKeepsItsGroupAfterAnError() throws {
        var rng = SeededRandom(name: "assemblerKeepsItsGroupAfterAnError")
        let message = rng.bytes(60_000)
        let parts = try MessageParts(message, id: MessageID())
        let all = parts.parts(ofGroup: 0).map { ErasureCode.Share(index: $0.index, bytes: $0.share) }
        #expect(parts.parts(ofGroup: 1).isEmpty)
        var assembler = MessageAssembler(layout: parts.layout)
        #expect(throws: ErasureError.tooFewShares) { try assembler.data(from: Array(all.prefix(2))) }
        #expect(throws: ErasureError.unequalShares) {
            try assembler.data(from: all.map { .init(index: $0.index, bytes: $0.bytes.dropLast()) })
        }
        // A last data share whose padding is not zero.
        var spoiled = all
        spoiled[2].bytes[25_587] = 1
        #expect(throws: ErasureError.badPadding) { try assembler.data(from: Array(spoiled.prefix(3))) }
        #expect(try assembler.data(from: Array(all.suffix(3))) == message)
        #expect(throws: ErasureError.noSuchShare) { try assembler.data(from: all) }
    }
}
