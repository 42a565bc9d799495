import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import Messages

@Suite struct PayloadContentTests {
    @Test func sizesAgreeWithThePacket() {
        let geometry = Geometry.suite1
        #expect(PayloadSize.content == geometry.contentSize)
        #expect(PayloadSize.packetHeader == geometry.headerSize)
        #expect(PayloadSize.replyBlock == geometry.surbSize)
        #expect(PayloadSize.sealedPart == 18_436)
        #expect(ShareCapacity.full.rawValue == PayloadSize.body - PayloadSize.partHeader)
        #expect(
            ShareCapacity.injected.rawValue
                == PayloadSize.sealedPart - PayloadSize.sealOverhead - PayloadSize.partHeader)
    }

    private func samples(using rng: inout SeededRandom) throws -> [PayloadContent] {
        let short = try PartLayout(messageLength: 7)
        let long = try PartLayout(messageLength: 100_000)
        let id = MessageID.random(using: &rng)
        return [
            .dummy(.random(using: &rng)),
            .part(try Part(id: id, layout: short, group: 0, index: 0, share: rng.bytes(7))),
            .part(try Part(id: id, layout: long, group: 0, index: 6, share: rng.bytes(25_588))),
            .inject(
                try Injection(
                    firstNode: .random(using: &rng), header: rng.bytes(7_116),
                    payloadKey: SymmetricSecret(copying: rng.bytes(32)), sealedPart: rng.bytes(18_436))),
            .sealed(rng.bytes(18_436)),
            .sealed([1]),
        ]
    }

    @Test func whatIsWrittenIsReadAndHasOneSize() throws {
        var rng = SeededRandom(name: "whatIsWrittenIsReadAndHasOneSize")
        for content in try samples(using: &rng) {
            let bytes = try content.encoded()
            #expect(bytes.count == 25_620)
            #expect(try PayloadContent(decoding: bytes).encoded() == bytes)
        }
    }

    private func error(_ bytes: [UInt8]) -> PayloadError? {
        do throws(PayloadError) {
            _ = try PayloadContent(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func headsAreStrict() throws {
        let good = try PayloadContent.dummy(LoopID()).encoded()
        #expect(error(good) == nil)
        #expect(error(Array(good.dropLast())) == .wrongSize)
        #expect(error(good + [0]) == .wrongSize)
        #expect(error([]) == .wrongSize)
        func high(_ value: Int) -> UInt8 { UInt8(value >> 8) }
        func low(_ value: Int) -> UInt8 { UInt8(value & 255) }
        func with(_ changes: [(Int, UInt8)]) -> [UInt8] {
            var bytes = good
            for (index, value) in changes { bytes[index] = value }
            return bytes
        }
        #expect(error(with([(0, 0)])) == .unknownVersion)
        #expect(error(with([(0, 2)])) == .unknownVersion)
        #expect(error(with([(1, 4)])) == .unknownKind)
        #expect(error(with([(2, 0xFF)])) == .wrongLength)
        #expect(error(with([(3, 31)])) == .wrongLength)
        #expect(error(with([(3, 33)])) == .wrongLength)
        #expect(error(with([(25_619, 1)])) == .nonZeroPadding)
        #expect(error(with([(36, 1)])) == .nonZeroPadding)
        #expect(error(with([(1, 1), (3, 27)])) == .wrongLength)
        #expect(error(with([(1, 2), (2, high(7180)), (3, low(7180))])) == .wrongLength)
        #expect(error(with([(1, 3), (3, 0)])) == .wrongLength)
        #expect(error(with([(1, 3), (2, high(18_437)), (3, low(18_437))])) == .wrongLength)
        #expect(error(with([(1, 3), (2, high(18_436)), (3, low(18_436))])) == nil)
    }

    @Test func partsMustBeWhatTheirLengthSays() throws {
        let layout = try PartLayout(messageLength: 2_000_000)
        let part = try Part(
            id: MessageID(), layout: layout, group: 1, index: 3, share: [UInt8](repeating: 7, count: 25_588))
        let good = part.encoded
        func error(_ index: Int, _ value: UInt8) -> PayloadError? {
            var bytes = good
            bytes[index] = value
            do throws(PayloadError) {
                _ = try Part(decoding: bytes[...])
                return nil
            } catch {
                return error
            }
        }
        #expect(error(17, 1) == nil)  // itself
        #expect(error(17, 2) == .inconsistentPart)  // group = groups
        #expect(error(17, 0) == .inconsistentPart)  // the first group has another k
        #expect(error(19, 3) == .inconsistentPart)  // groups
        #expect(error(20, 64) == .inconsistentPart)  // k
        #expect(error(21, 128) == .inconsistentPart)  // n
        #expect(error(22, 20) == nil)  // the last index: k = 15, n = 15 + 5 + 1
        #expect(error(22, 21) == .inconsistentPart)
        #expect(error(23, 1) == .nonZeroPadding)
        #expect(error(24, 0xFF) == .messageLength)
        #expect(error(27, 0) == nil)
        #expect(throws: PayloadError.shareSize) { try Part(decoding: good[..<(good.count - 1)]) }
        #expect(throws: PayloadError.shareSize) { try Part(decoding: (good + [0])[...]) }
        #expect(throws: PayloadError.wrongLength) { try Part(decoding: good[..<27]) }
        #expect(throws: PayloadError.messageLength) { try Part(decoding: good[...], limit: 1_999_999) }
        #expect(throws: PayloadError.inconsistentPart) { try Part(decoding: good[...], capacity: .injected) }
    }

    @Test func hostileContentNeverTrapsAndReadsOneWay() throws {
        var rng = SeededRandom(name: "hostileContentNeverTrapsAndReadsOneWay")
        let samples = try samples(using: &rng).map { try $0.encoded() }
        var read = 0
        for _ in 0..<300 {
            var bytes = samples.randomElement(using: &rng) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &rng) {
                bytes[Int.random(in: 0..<40, using: &rng)] = UInt8.random(in: 0...255, using: &rng)
            }
            guard let content = try? PayloadContent(decoding: bytes) else { continue }
            read += 1
            #expect(try content.encoded() == bytes)
        }
        #expect(read > 20)
    }

    @Test func sealedPartsOpenUnderTheirKeyOnlyAndHaveOneSize() throws {
        var rng = SeededRandom(name: "sealedPartsOpenUnderTheirKeyOnlyAndHaveOneSize")
        let key = SymmetricSecret(copying: rng.bytes(32))
        for length in [1, 18_392, 18_393, 100_000] {
            let layout = try PartLayout(messageLength: length, capacity: .injected)
            let part = try Part(
                id: .random(using: &rng), layout: layout, group: 0, index: 0, share: rng.bytes(layout.shareSize))
            var sealed = try SealedPart.seal(part, messageKey: key)
            #expect(sealed.count == 18_436)
            #expect(try SealedPart.open(sealed, messageKey: key) == part)
            #expect(throws: PayloadError.notAuthentic) {
                try SealedPart.open(sealed, messageKey: SymmetricSecret(copying: rng.bytes(32)))
            }
            sealed[Int.random(in: 0..<sealed.count, using: &rng)] ^= 1
            #expect(throws: PayloadError.notAuthentic) { try SealedPart.open(sealed, messageKey: key) }
        }
        let full = try Part(
            id: MessageID(), layout: PartLayout(messageLength: 5), group: 0, index: 0, share: rng.bytes(5))
        #expect(throws: PayloadError.shareSize) { try SealedPart.seal(full, messageKey: key) }
        #expect(throws: PayloadError.wrongLength) {
            try SealedPart.open([UInt8](repeating: 0, count: 18_437), messageKey: key)
        }
    }

    @Test func sealedRubbishIsRefused() throws {
        let key = SymmetricSecret(copying: [UInt8](repeating: 1, count: 32))
        func seal(_ bytes: [UInt8]) throws -> [UInt8] {
            try SealedBox.seal(
                bytes, key: key, nonce: [UInt8](repeating: 0, count: 12),
                authenticating: Array("nightjar/1 sealed".utf8))
        }
        let part = try Part(
            id: MessageID(), layout: PartLayout(messageLength: 5, capacity: .injected), group: 0, index: 0,
            share: [1, 2, 3, 4, 5]
        ).encoded
        #expect(throws: Never.self) { try SealedPart.open(seal(part), messageKey: key) }
        #expect(throws: Never.self) { try SealedPart.open(seal(part + [0, 0]), messageKey: key) }
        #expect(throws: PayloadError.nonZeroPadding) { try SealedPart.open(seal(part + [0, 1]), messageKey: key) }
        #expect(throws: PayloadError.shareSize) { try SealedPart.open(seal(part.dropLast()), messageKey: key) }
        #expect(throws: PayloadError.wrongLength) { try SealedPart.open(seal([]), messageKey: key) }
        #expect(throws: PayloadError.messageLength) {
            try SealedPart.open(seal([UInt8](repeating: 0, count: 28)), messageKey: key)
        }
    }
}
