import AuthorityProgram
import Testing

@Test func versionNamesTheProgram() { #expect(AuthorityVersion.text.hasPrefix("nightjar-authority ")) }
