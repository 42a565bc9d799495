import Testing
import WireFormat

@testable import Directory

@Suite("Nicknames")
struct NicknameTests {
    @Test(
        "letters, digits, - and _, starting with a letter",
        arguments: ["a", "Ada", "node-1", "a_b", "abcdefab-", "deadbee", "facadeg1", String(repeating: "x", count: 24)])
    func good(_ text: String) { #expect(Nickname(text)?.text == text) }

    @Test(
        "nothing else, and nothing that reads like the beginning of an id",
        arguments: [
            "", "1a", "-a", "a b", "\u{e4}da", "a\n", String(repeating: "x", count: 25), "a1b2c3d4e5f6", "deadbeef",
            "DEADBEEF", "aaaaaaaaaaaaaaaaaaaaaaaa",
        ])
    func bad(_ text: String) { #expect(Nickname(text) == nil) }
}
