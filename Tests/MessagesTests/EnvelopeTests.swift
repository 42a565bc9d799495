import TestSupport
import Testing
import WireFormat

@testable import Messages

@Suite struct EnvelopeTests {
    static func random(using rng: inout SeededRandom) throws -> Envelope {
        let recipients = try (0..<Int.random(in: 1...8, using: &rng)).map { try Address("user\($0)@example.org") }
        var fields: [SenderField: String] = [:]
        for field in SenderField.allCases where Bool.random(using: &rng) {
            fields[field] = String(repeating: "\u{E4}", count: Int.random(in: 1...field.maximumSize / 2, using: &rng))
        }
        return try Envelope(
            recipients: recipients.shuffled(using: &rng), bodyKind: Bool.random(using: &rng) ? .raw : .rfc5322,
            fields: fields, receiptBlock: Bool.random(using: &rng) ? rng.bytes(PayloadSize.replyBlock) : nil,
            replyBlocks: (0..<Int.random(in: 0...3, using: &rng)).map { _ in rng.bytes(PayloadSize.replyBlock) })
    }

    @Test func whatIsWrittenIsRead() throws {
        var rng = SeededRandom(name: "whatIsWrittenIsRead")
        for _ in 0..<30 {
            let envelope = try Self.random(using: &rng)
            #expect(try Envelope(decoding: envelope.encoded[...]) == envelope)
        }
    }

    @Test func everyPrefixAndEveryAdditionIsRefused() throws {
        let envelope = try Envelope(recipients: [.drop], fields: [.subject: "x", .mimeVersion: "1.0"])
        let bytes = envelope.encoded
        for count in 0..<bytes.count {
            #expect(throws: EnvelopeError.self) { try Envelope(decoding: bytes[..<count]) }
        }
        #expect(throws: EnvelopeError.malformed) { try Envelope(decoding: (bytes + [0])[...]) }
    }

    /// Flips bits everywhere: whatever still reads as an envelope is written back as the same bytes.
    @Test func oneSpellingForEachValue() throws {
        var rng = SeededRandom(name: "oneSpellingForEachValue")
        var read = 0
        for _ in 0..<4000 {
            var bytes = try Envelope(
                recipients: [.drop, Address("a@b.c")],
                fields: [.subject: "xyz", .displayName: "A", .mimeVersion: "1.0"]
            ).encoded
            for _ in 0..<Int.random(in: 1...3, using: &rng) {
                bytes[Int.random(in: 0..<bytes.count, using: &rng)] = UInt8.random(in: 0...255, using: &rng)
            }
            guard let envelope = try? Envelope(decoding: bytes[...]) else { continue }
            read += 1
            #expect(envelope.encoded == bytes)
        }
        #expect(read > 50)
    }

    @Test func countsAndSizesAreBounded() throws {
        let many = try (0..<9).map { try Address("a\($0)@b.c") }
        let block = [UInt8](repeating: 0, count: PayloadSize.replyBlock)
        #expect(throws: EnvelopeError.noRecipient) { try Envelope(recipients: []) }
        #expect(throws: EnvelopeError.tooManyRecipients) { try Envelope(recipients: many) }
        #expect(throws: EnvelopeError.duplicateRecipient) { try Envelope(recipients: [.drop, .drop]) }
        #expect(throws: EnvelopeError.wrongReplyBlockSize) { try Envelope(recipients: [.drop], receiptBlock: [1]) }
        #expect(throws: EnvelopeError.wrongReplyBlockSize) { try Envelope(recipients: [.drop], replyBlocks: [[1]]) }
        #expect(throws: EnvelopeError.tooManyReplyBlocks) {
            try Envelope(recipients: [.drop], replyBlocks: Array(repeating: block, count: 33))
        }
        #expect(throws: EnvelopeError.emptyField(.subject)) {
            try Envelope(recipients: [.drop], fields: [.subject: ""])
        }
        #expect(throws: EnvelopeError.fieldTooLong(.mimeVersion)) {
            try Envelope(recipients: [.drop], fields: [.mimeVersion: String(repeating: "1", count: 41)])
        }
    }

    @Test func theLargestEnvelopeIsWithinTheLimit() throws {
        let host = [62, 62, 62, 62].map { String(repeating: "a", count: $0) }.joined(separator: ".")
        let recipients = try (0..<8).map { try Address("smtp:\($0)\(String(repeating: "l", count: 62))@\(host)") }
        #expect(recipients[0].description.utf8.count == MessageLimits.address)
        var fields: [SenderField: String] = [:]
        for field in SenderField.allCases {
            let text = String(repeating: "a", count: field.maximumSize)
            var more = fields
            more[field] = text
            if (try? Envelope(recipients: [.drop], fields: more)) != nil { fields = more }
        }
        let block = [UInt8](repeating: 0, count: PayloadSize.replyBlock)
        let envelope = try Envelope(
            recipients: recipients, fields: fields, receiptBlock: block, replyBlocks: Array(repeating: block, count: 32)
        )
        #expect(envelope.encoded.count <= MessageLimits.envelope)
        #expect(envelope.encoded.count > MessageLimits.envelope - MessageLimits.fields)
        #expect(try Envelope(decoding: envelope.encoded[...]) == envelope)
    }

    @Test func wireErrorsAreNamed() throws {
        // 1 recipient "drop:", kind, no receipt, no replies, then the fields.
        let head: [UInt8] = [1, 0, 5] + Array("drop:".utf8)
        func error(_ bytes: [UInt8]) -> EnvelopeError? {
            do throws(EnvelopeError) {
                _ = try Envelope(decoding: bytes[...])
                return nil
            } catch {
                return error
            }
        }
        #expect(error(head + [0, 0, 0, 0]) == nil)
        #expect(error([0, 0, 0, 0, 0]) == .noRecipient)
        #expect(error([9] + head.dropFirst() + [0, 0, 0, 0]) == .tooManyRecipients)
        #expect(error([1, 0, 3] + Array("a@b".utf8) + [0, 0, 0, 0]) == .address(.notCanonical))
        #expect(error(head + [5, 0, 0, 0]) == .unknownBodyKind)
        #expect(error(head + [0, 2, 0, 0]) == .tooManyReplyBlocks)
        #expect(error(head + [0, 0, 33, 0]) == .tooManyReplyBlocks)
        #expect(error(head + [0, 0, 0, 1, 9, 0, 1, 0x61]) == .unknownField)
        #expect(error(head + [0, 0, 0, 1, 1, 0, 1, 0xFF]) == .notText)
        #expect(error(head + [0, 0, 0, 1, 1, 0, 0]) == .emptyField(.subject))
        #expect(error(head + [0, 0, 0, 2, 2, 0, 1, 0x61, 1, 0, 1, 0x61]) == .fieldsOutOfOrder)
        #expect(error(head + [0, 0, 0, 2, 1, 0, 1, 0x61, 1, 0, 1, 0x61]) == .fieldsOutOfOrder)
    }
}
