import TestSupport
import Testing

@testable import Messages

@Suite struct MailBodyTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try MailBody.canonical(Array(text.utf8)[...]), as: UTF8.self)
    }

    @Test func lineEndsBecomeThoseOfTheWire() throws {
        #expect(try canonical("a\nb\n") == "a\r\nb\r\n")
        #expect(try canonical("a\r\nb\r\n") == "a\r\nb\r\n")
        #expect(try canonical("a\nb\r\n\n") == "a\r\nb\r\n\r\n")
        #expect(try canonical("a") == "a\r\n")
        #expect(try canonical("") == "")
        #expect(try canonical("\n") == "\r\n")
    }

    @Test func whatMailCannotCarryIsNamedWithItsLine() {
        #expect(throws: MailBodyViolation.bareCarriageReturn(line: 2)) { try canonical("a\nb\rc\n") }
        #expect(throws: MailBodyViolation.bareCarriageReturn(line: 1)) { try canonical("a\r") }
        #expect(throws: MailBodyViolation.zeroByte(line: 2)) { try canonical("a\nb\0c\n") }
        #expect(throws: MailBodyViolation.lineTooLong(line: 3)) {
            try canonical("a\n\n" + String(repeating: "x", count: 999))
        }
        #expect(throws: Never.self) { try canonical(String(repeating: "x", count: 998)) }
    }

    @Test func theCheckDoesNotDependOnHowTheBodyIsCut() throws {
        var rng = SeededRandom(name: "theCheckDoesNotDependOnHowTheBodyIsCut")
        let alphabet: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x61, 0xFC, 0]
        for _ in 0..<500 {
            var body: [UInt8] = []
            for _ in 0..<Int.random(in: 0...8, using: &rng) {
                body += Bool.random(using: &rng) ? [0x0D, 0x0A] : [alphabet.randomElement(using: &rng) ?? 0x61]
            }
            func run(_ pieces: [[UInt8]]) -> Result<Bool, MailBodyViolation> {
                Result { () throws(MailBodyViolation) in
                    var check = MailBodyCheck()
                    for piece in pieces { try check.consume(piece) }
                    try check.finish()
                    return check.hasEightBit
                }
            }
            #expect(run([body]) == run(body.map { [$0] }))
        }
    }

    @Test func theExitRefusesWhatTheClientShouldHaveConverted() {
        var check = MailBodyCheck()
        #expect(throws: MailBodyViolation.bareLineFeed(line: 1)) { try check.consume(Array("a\n".utf8)) }
        #expect(throws: MailBodyViolation.noFinalLineEnd) {
            var check = MailBodyCheck()
            try check.consume(Array("a\r\nb".utf8))
            try check.finish()
        }
    }
}
