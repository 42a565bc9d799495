import NymserverProgram
import Testing

@Suite struct VersionTests {
    @Test func namesTheProgram() { #expect(NymserverVersion.text.hasPrefix("nightjar-nymserver ")) }
}
