import PingerProgram
import Testing

@Suite("Version")
struct VersionTests {
    @Test("the version names the program")
    func version() { #expect(PingerVersion.text.hasPrefix("nightjar-pinger ")) }
}
