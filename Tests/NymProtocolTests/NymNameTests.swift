import NymProtocol
import Testing

@Suite struct NymNameTests {
    @Test(arguments: ["alice", "a1", "first.last", "a-b_c", "0x"])
    func isAName(_ text: String) { #expect(NymName(text)?.text == text) }

    @Test(arguments: ["", "a", "Alice", ".a", "a.", "a..b", "a+b", "ä", "a b", String(repeating: "a", count: 33)])
    func isNone(_ text: String) { #expect(NymName(text) == nil) }
}
