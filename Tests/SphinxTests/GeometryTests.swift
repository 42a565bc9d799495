@testable import Sphinx
import Testing
import WireFormat

@Suite("Geometry")
struct GeometryTests {
    @Test("suite 1 has the lengths of the specification")
    func lengths() {
        let g = Geometry.suite1
        #expect(g.packetSize == 32768)
        #expect(g.headerSize == 7116)
        #expect(g.routingSize == 5960)
        #expect(g.blockSize == 1192)
        #expect(g.payloadSize == 25652)
        #expect(g.contentSize == 25620)
        #expect(g.infoSize == 1184)
        #expect(g.surbSize == 7224)
        #expect(g.surbBlobSize == 225)
        #expect(g.surbSealedSize == 241)
        #expect(g.surbAddressSize == 927)
    }

    @Test("the digest names the geometry")
    func digest() {
        let other = Geometry(suite: 1, packetSize: 32768, maximumHops: 4, ciphertextSize: 1120, keySize: 32)
        #expect(Geometry.suite1.digest != other.digest)
        #expect(Geometry.suite1.digest.hex == "35867e692328eb4cddaafb528e956eccf600ddc1a6c99c23aa45fc1c30a5fb22")
    }
}
