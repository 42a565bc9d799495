// Encodings made by an independent program in another language from the specification alone: big inputs are
// `pattern`, outputs are SHA-256 digests.

import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Messages

@Suite struct GoldenVectorTests {
    /// Byte i is (i * i / 7 + i / 251) modulo 256.
    private func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 / 7 + $0 / 251) }
    }
    private func ascending(_ range: Range<UInt8>) -> [UInt8] { Array(range) }
    private func digest(_ bytes: [UInt8]) -> String { Digest.sha256(bytes).hex }

    private static let envelopeHex =
        "020016736d74703a616c696365406578616d706c652e6f7267000564726f703a000000040100074772c3bcc39f65020005416c6963"
        + "65100003312e30110019746578742f706c61696e3b20636861727365743d7574662d38"

    private func smallEnvelope() throws -> Envelope {
        try Envelope(
            recipients: [Address("alice@example.org"), .drop],
            fields: [
                .subject: "Gr\u{FC}\u{DF}e", .displayName: "Alice", .mimeVersion: "1.0",
                .contentType: "text/plain; charset=utf-8",
            ])
    }

    private func id() throws -> MessageID { try #require(MessageID(ascending(0..<16))) }

    @Test func envelopes() throws {
        #expect(try Hex.encode(smallEnvelope().encoded) == Self.envelopeHex)
        let block = pattern(7_224)
        let large = try Envelope(
            recipients: [Address("nym:bob@nym.example")], bodyKind: .raw, receiptBlock: block,
            replyBlocks: [block.reversed(), block])
        #expect(large.encoded.count == 21_698)
        #expect(digest(large.encoded) == "5c672924181552e2fa455d93bb83c3d5d54c2893573e3b405e0810585140403b")
    }

    @Test func singlePartMessage() throws {
        let message = try MessageEncoder.encode(smallEnvelope(), body: Array("hello\r\n".utf8))
        #expect(digest(message) == "0848f95c22f97559f92f55ec0bfa20a48b3ca6573399099fb4d59b4a31254f5b")
        let parts = try MessageParts(message, id: id()).flatMap { $0 }
        #expect(parts.count == 1)
        let content = try PayloadContent.part(parts[0]).encoded()
        #expect(digest(content) == "171c85b8963844cd5c2d389665f76c4589f68ebd90a14e4249ab2ab7465b796d")
    }

    @Test func compressedMessage() throws {
        let hex =
            "01010000005800000b54" + Self.envelopeHex
            + "78da2bc94855c8cb4ccf28c94a2c5248cbc94c2d5648aa8488f072958c4a8e4a8e4a8e4a8e4a8e4a8e4a8e4a8e4a8e4a8e4a1292"
            + "0400af76fdaa"
        let bytes = try #require(Hex.decode(hex))
        var chunk: [UInt8]? = bytes
        let source: MessageReader.Source = {
            defer { chunk = nil }
            return chunk
        }
        var reader = MessageReader(length: bytes.count)
        #expect(try reader.envelope(from: source) == smallEnvelope())
        var body: [UInt8] = []
        while let piece = try reader.nextBodyChunk(from: source) { body += piece }
        #expect(
            String(decoding: body, as: UTF8.self) == String(repeating: "the nightjar flies by night\r\n", count: 100))
    }

    @Test func dummy() throws {
        let content = PayloadContent.dummy(try #require(LoopID(ascending(0..<32))))
        #expect(digest(try content.encoded()) == "abead99b79dbea57f590f72406c53f19c363c806798fc446d7e925f09d043646")
    }

    @Test func partsOfOneGroup() throws {
        let parts = try MessageParts(pattern(60_000), id: id()).flatMap { $0 }
        #expect(parts.count == 5)
        #expect(Hex.encode(parts[4].encoded[..<28]) == "000102030405060708090a0b0c0d0e0f00000001030504000000ea60")
        #expect(Hex.encode(parts[3].share[..<16]) == "29c99c1e24b924367165bf2d164605e4")
        #expect(Hex.encode(parts[4].share[..<16]) == "e660f2904558471da5088fef1252f086")
        #expect(
            digest(parts.flatMap(\.encoded)) == "a5297de7b372fa9673083f3acf08510804b4056ad54d19279ebf0c09dd5a3274")
    }

    @Test func partsOfTwoGroups() throws {
        var builder = DigestBuilder()
        var count = 0
        for group in try MessageParts(pattern(64 * 25_588 + 100), id: id()) {
            for part in group {
                builder.update(try PayloadContent.part(part).encoded())
                count += 1
            }
        }
        #expect(count == 90)
        #expect(builder.finish().hex == "6a0b6b4ecf39419adcfa941ceeeb77b8c0b08accc4bbe2395dfba62671adde61")
    }

    @Test func sealedAndInjectedParts() throws {
        let parts = try MessageParts(pattern(40_000), id: id(), capacity: .injected).flatMap { $0 }
        let key = SymmetricSecret(copying: ascending(32..<64))
        let sealed = try parts.map { try SealedPart.seal($0, messageKey: key) }
        #expect(sealed.count == 5)
        #expect(digest(sealed.flatMap { $0 }) == "ffe8ee9759cb2f1c548bc78792621ce7235fdfef969a605f7eee6dee0bb10e36")
        let injection = try Injection(
            firstNode: try #require(NodeID(ascending(100..<132))), header: pattern(7_116),
            payloadKey: SymmetricSecret(copying: ascending(200..<232)), sealedPart: sealed[1])
        #expect(
            digest(try PayloadContent.inject(injection).encoded())
                == "ee86cbf94c45a884a902f5303f9abe1fc310f84b9c449610cadc942857b60880")
        #expect(
            digest(try PayloadContent.sealed(sealed[1]).encoded())
                == "7785947e2ad4b33889e213bdd9ae1d20a60f333dbe576d9bfa45140ccc4034d3")
    }
}
