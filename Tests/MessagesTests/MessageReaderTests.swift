import TestSupport
import Testing

@testable import Messages

@Suite struct MessageReaderTests {
    /// Reads a whole message that comes in pieces of the given size.
    private func read(
        _ bytes: [UInt8], length: Int? = nil, pieces: Int = 4096, bodyLimit: Int = MessageLimits.body
    ) throws -> (Envelope, [UInt8]) {
        var position = 0
        let source: MessageReader.Source = {
            guard position < bytes.count else { return nil }
            defer { position = min(bytes.count, position + pieces) }
            return Array(bytes[position..<min(bytes.count, position + pieces)])
        }
        var reader = MessageReader(length: length ?? bytes.count, bodyLimit: bodyLimit)
        let envelope = try reader.envelope(from: source)
        var body: [UInt8] = []
        while let chunk = try reader.nextBodyChunk(from: source) { body += chunk }
        return (envelope, body)
    }

    private let envelope = try? Envelope(recipients: [.drop], bodyKind: .raw)

    private func message(
        flags: UInt8 = 0, version: UInt8 = 1, bodyLength: Int, _ payload: [UInt8]
    ) throws -> [UInt8] {
        let envelope = try #require(envelope).encoded
        func big(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
        return [version, flags] + big(envelope.count) + big(bodyLength) + envelope + payload
    }

    @Test func thePiecesDoNotMatter() throws {
        var rng = SeededRandom(name: "thePiecesDoNotMatter")
        let body = MessageTests.body(30_000, using: &rng)
        let compressed = try #require(Compression.deflate(body))
        let plainMessage = try message(bodyLength: body.count, body)
        let compressedMessage = try message(flags: 1, bodyLength: body.count, compressed)
        for pieces in [1, 2, 3, 7, 1000, 65_536] {
            #expect(try read(plainMessage, pieces: pieces).1 == body)
            #expect(try read(compressedMessage, pieces: pieces).1 == body)
        }
    }

    @Test func headersAreStrict() throws {
        let body = [UInt8](repeating: 7, count: 100)
        let compressed = try #require(Compression.deflate(body))
        #expect(try read(message(bodyLength: 100, body)).1 == body)
        #expect(throws: MessageError.unknownVersion) { try read(message(version: 2, bodyLength: 100, body)) }
        #expect(throws: MessageError.unknownFlags) { try read(message(flags: 2, bodyLength: 100, body)) }
        #expect(throws: MessageError.truncated) { try read(message(bodyLength: 101, body)) }
        #expect(throws: MessageError.trailingBytes) { try read(message(bodyLength: 99, body)) }
        #expect(throws: MessageError.bodyTooLarge(limit: 99)) {
            try read(message(bodyLength: 100, body), bodyLimit: 99)
        }
        #expect(throws: MessageError.bodyTooLarge(limit: 8 << 20)) { try read(message(bodyLength: .max, body)) }
        #expect(try read(message(flags: 1, bodyLength: 100, compressed)).1 == body)
        #expect(throws: MessageError.malformedCompression) { try read(message(flags: 1, bodyLength: 99, compressed)) }
        #expect(throws: MessageError.malformedCompression) { try read(message(flags: 1, bodyLength: 101, compressed)) }
        #expect(throws: MessageError.trailingBytes) { try read(message(flags: 1, bodyLength: 100, compressed + [0])) }
        #expect(throws: MessageError.truncated) { try read(message(flags: 1, bodyLength: 100, compressed.dropLast())) }
        #expect(throws: MessageError.malformedCompression) {
            try read(message(flags: 1, bodyLength: 100, compressed.dropLast() + [~compressed[compressed.count - 1]]))
        }
        // Compression that does not shorten is a second spelling.
        #expect(throws: MessageError.malformedCompression) {
            try read(message(flags: 1, bodyLength: 1, #require(Compression.deflate([7]))))
        }
        var long = try message(bodyLength: 100, body)
        long[2] = 0xFF
        #expect(throws: MessageError.envelopeTooLarge) { try read(long) }
        var bad = try message(bodyLength: 100, body)
        bad[10] = 9
        #expect(throws: MessageError.envelope(.tooManyRecipients)) { try read(bad) }
    }

    @Test func sourceAndLengthMustAgree() throws {
        let bytes = try message(bodyLength: 3, [1, 2, 3])
        #expect(throws: MessageError.trailingBytes) { try read(bytes, length: bytes.count + 1) }
        #expect(throws: MessageError.truncated) { try read(Array(bytes.dropLast()), length: bytes.count) }
        #expect(throws: MessageError.trailingBytes) { try read(bytes + [0], length: bytes.count, pieces: 1) }
        #expect(throws: MessageError.trailingBytes) { try read(bytes + [0], length: bytes.count) }
        #expect(throws: MessageError.truncated) { try read([], length: 0) }
        for count in 0..<bytes.count {
            #expect(throws: MessageError.self) { try read(Array(bytes[..<count])) }
        }
    }

    @Test func errorsOfTheSourceComeThrough() throws {
        struct DiskError: Error {}
        var reader = MessageReader(length: 100)
        #expect(throws: DiskError.self) { _ = try reader.envelope { throw DiskError() } }
    }

    @Test func bombsAreRefusedBeforeTheyInflate() throws {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let compressed = try #require(Compression.deflate(zeros))
        #expect(compressed.count < 5_000)
        #expect(throws: MessageError.inflatesTooFar) {
            try read(message(flags: 1, bodyLength: zeros.count, compressed))
        }
        // Lying about the length: nothing beyond the promise is inflated.
        let promised = 20 * compressed.count
        var produced = 0
        let bytes = try message(flags: 1, bodyLength: promised, compressed)
        var chunk: [UInt8]? = bytes
        let source: MessageReader.Source = {
            defer { chunk = nil }
            return chunk
        }
        var reader = MessageReader(length: bytes.count)
        _ = try reader.envelope(from: source)
        #expect(throws: MessageError.malformedCompression) {
            while let piece = try reader.nextBodyChunk(from: source) { produced += piece.count }
        }
        #expect(produced == promised)
        // 64 KiB are always allowed, one byte more is not.
        for (count, allowed) in [(65_536, true), (65_537, false)] {
            let small = try #require(Compression.deflate(Array(zeros.prefix(count))))
            let message = try message(flags: 1, bodyLength: count, small)
            if allowed {
                #expect(try read(message).1.count == count)
            } else {
                #expect(throws: MessageError.inflatesTooFar) { try read(message) }
            }
        }
    }

    @Test func afterAnErrorTheBodyIsNeverReportedComplete() throws {
        let body = [UInt8](repeating: 7, count: 100)
        var compressed = try #require(Compression.deflate(body))
        compressed[compressed.count - 1] ^= 1
        let bytes = try message(flags: 1, bodyLength: 100, compressed)
        var chunk: [UInt8]? = bytes
        let source: MessageReader.Source = {
            defer { chunk = nil }
            return chunk
        }
        var reader = MessageReader(length: bytes.count)
        _ = try reader.envelope(from: source)
        for _ in 0..<3 {
            #expect(throws: MessageError.malformedCompression) {
                while try reader.nextBodyChunk(from: source) != nil {}
            }
        }
    }

    /// Damaged messages of both forms: an error or a body of the promised length, never a trap.
    @Test func hostileMessagesNeverTrap() throws {
        var rng = SeededRandom(name: "hostileMessagesNeverTrap")
        let body = MessageTests.body(3_000, using: &rng)
        let good = [
            try message(bodyLength: body.count, body),
            try message(flags: 1, bodyLength: body.count, #require(Compression.deflate(body))),
        ]
        var complete = 0
        var refused = 0
        for _ in 0..<1500 {
            var bytes = good.randomElement(using: &rng) ?? []
            for _ in 0..<Int.random(in: 0...2, using: &rng) {
                let span = Bool.random(using: &rng) ? 26 : bytes.count
                bytes[Int.random(in: 0..<span, using: &rng)] = UInt8.random(in: 0...255, using: &rng)
            }
            if Int.random(in: 0..<8, using: &rng) == 0 {
                bytes.removeLast(Int.random(in: 0...bytes.count, using: &rng))
            }
            do {
                _ = try read(bytes, pieces: Int.random(in: 1...2_000, using: &rng))
                complete += 1
            } catch is MessageError {
                refused += 1
            }
        }
        #expect(complete > 50 && refused > 50)
    }
}
