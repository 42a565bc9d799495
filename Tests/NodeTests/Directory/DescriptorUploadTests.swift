import Directory
import DirectoryService
import MixCrypto
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Descriptor upload")
struct DescriptorUploadTests {
    @Test("an authority has the descriptor if one of its addresses takes it, whatever the others say")
    func addresses() async throws {
        let (first, second) = (AuthorityStandIn(), AuthorityStandIn())
        let fixture = try DirectoryFixture(urls: [try await first.start(), try await second.start()])
        let authority = fixture.root.authorities[0]
        let descriptor = try DirectoryFixture.node("ada").bytes
        let upload = DescriptorUpload(client: DirectoryHTTPClient(proxy: nil), scale: 1)
        func outcome(_ one: UploadVerdict, _ other: UploadVerdict) async -> PublicationOutcome {
            first.takes(one)
            second.takes(other)
            return await upload(authority, descriptor)
        }
        #expect(await outcome(.refused("not here"), .stored) == .taken)
        #expect(await outcome(.stored, .refused("not here")) == .taken)
        #expect(await outcome(.refused("no"), .refused("never")) == .refused("never"))
        let spared = PublicationOutcome.later(.seconds(60))
        #expect(await outcome(.refused("no"), .busy(retryAfter: .seconds(60))) == spared)
        #expect(await outcome(.busy(retryAfter: .seconds(60)), .refused("no")) == spared)
        first.stop()
        second.stop()
    }
}
