import Exits
import Messages
import TestSupport
import Testing
import WireFormat

/// What line ends mean, written down in another way than in the code under test.
private func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = [[]]
    var index = 0
    while index < bytes.count {
        if bytes[index...].starts(with: [0x0D, 0x0A]) {
            lines.append([])
            index += 2
        } else if bytes[index] == 0x0D || bytes[index] == 0x0A {
            lines.append([])
            index += 1
        } else {
            lines[lines.count - 1].append(bytes[index])
            index += 1
        }
    }
    if lines.last == [] { lines.removeLast() }
    return lines
}

/// A server's reading of the data: undoes the dots.
func received(_ wire: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var atLineStart = true
    for (index, byte) in wire.enumerated() {
        if atLineStart, byte == UInt8(ascii: "."), index + 1 < wire.count, wire[index + 1] == byte {
            atLineStart = false
            continue
        }
        output.append(byte)
        atLineStart = byte == 0x0A
    }
    return output
}

@Suite struct BodyTests {
    static let nasty: [UInt8] = Array("\r\n..\n.\r\r\n.\n\ra.b\n\n.x".utf8)

    /// Bytes in which line ends and dots are frequent.
    private func random(_ count: Int, using generator: inout SeededRandom) -> [UInt8] {
        let alphabet: [UInt8] = [0x0D, 0x0A, 0x2E, 0x2E, 0x61, 0x20, 0xC3]
        return (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
    }

    @Test func everyCutOfABodyGivesTheSameLinesAndFacts() {
        var generator = SeededRandom(name: "cuts")
        for round in 0..<300 {
            let body = round == 0 ? Self.nasty : random(Int.random(in: 0...60, using: &generator), using: &generator)
            var smtp = LineEncoder(.smtp)
            var file = LineEncoder(.file)
            var scan = BodyScan()
            var wire: [UInt8] = []
            var text: [UInt8] = []
            var rest = body[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 1...5, using: &generator)))
                rest = rest.dropFirst(piece.count)
                wire += smtp.encode(piece)
                text += file.encode(piece)
                scan.update(piece)
            }
            wire += smtp.finish()
            text += file.finish()
            let expected = lines(body)
            #expect(received(wire) == expected.flatMap { $0 + [0x0D, 0x0A] })
            #expect(text == expected.flatMap { $0 + [0x0A] })
            let facts = scan.finish()
            #expect(facts.wireBytes == received(wire).count)
            #expect(facts.longestLine == expected.map(\.count).max() ?? 0)
            #expect(facts.hasEightBit == body.contains(0xC3))
            // No line is a lone dot, which would end the message early.
            #expect(!(lines(wire).contains([0x2E])))
        }
    }

    @Test func aBodyInCanonicalFormIsNotTouched() {
        var generator = SeededRandom(name: "canonical")
        let body = (0..<200).flatMap { _ in
            (0..<Int.random(in: 0...100, using: &generator)).map { _ in UInt8.random(in: 0x20...0xFF, using: &generator)
            } + [13, 10]
        }
        var encoder = LineEncoder(.smtp)
        #expect(received(encoder.encode(body) + encoder.finish()) == body)
    }

    @Test func smuggledEndsOfDataAreDefused() {
        for end in ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n"] {
            var encoder = LineEncoder(.smtp)
            let wire = encoder.encode(Array("x\(end)MAIL FROM:<>\r\n".utf8)) + encoder.finish()
            #expect(wire == Array("x\r\n..\r\nMAIL FROM:<>\r\n".utf8))
        }
    }

    @Test func whatMailCannotCarryHasAName() throws {
        let longest = [UInt8](repeating: 0x61, count: 998)
        #expect(try ExitBody(bytes: longest + [13, 10] + longest).facts().refusal == nil)
        #expect(try ExitBody(bytes: longest + [0x61, 13, 10]).facts().refusal == .longBodyLine)
        #expect(try ExitBody(bytes: [0x61, 0]).facts().refusal == .zeroByteInBody)
    }

    @Test func aBodyIsReadFromItsStartEachTime() throws {
        let body = ExitBody(bytes: Array(0...99), pieceBytes: 33)
        for _ in 0..<2 {
            let read = try body.open()
            var pieces: [[UInt8]] = []
            while let piece = try read() { pieces.append(piece) }
            #expect(pieces.map(\.count) == [33, 33, 33, 1])
            #expect(pieces.flatMap { $0 } == Array(0...99))
        }
    }

    @Test(arguments: [0, 3, 200_000]) func aMessageGivesItsBodyEachTime(_ count: Int) throws {
        let text = Array((0..<count).map { UInt8(ascii: "a") + UInt8($0 % 7) })
        let encoded = try MessageEncoder.encode(
            try Envelope(recipients: [try Address("smtp:alice@example.org")], fields: [.subject: "x"]), body: text)
        let message = ExitBody(messageOfLength: encoded.count) { try ExitBody(bytes: encoded, pieceBytes: 1000).open() }
        for _ in 0..<2 {
            let read = try message.open()
            var body: [UInt8] = []
            while let piece = try read() { body += piece }
            #expect(body == text)
        }
        let damaged = ExitBody(messageOfLength: encoded.count) { try ExitBody(bytes: Array(encoded.dropLast())).open() }
        #expect(throws: (any Error).self) { try damaged.facts() }
    }
}
