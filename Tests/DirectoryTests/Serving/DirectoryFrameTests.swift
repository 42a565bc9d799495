import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Directory

@Suite("Directory frames")
struct DirectoryFrameTests {
    /// A link that is not random.
    static func link(_ number: UInt64) -> ConsensusLink {
        ConsensusLink(slot: Slot(number), digest: .sha256(Array("consensus \(number)".utf8)))
    }

    static func digests(_ count: Int) -> [Digest] { (0..<count).map { .sha256(Array("document \($0)".utf8)) } }

    /// One question of each kind, with and without the asker's own consensus, at the ends of what is allowed.
    static let requests: [DirectoryRequest] = [
        DirectoryRequest(.latest),
        DirectoryRequest(.latest, newest: link(7)),
        DirectoryRequest(.consensus(link(1_494_000)), block: 3),
        DirectoryRequest(
            .consensus(ConsensusLink(slot: Slot(.max), digest: Digest())), block: .max, newest: link(.max)),
        DirectoryRequest(.documents(digests(1))),
        DirectoryRequest(.documents(digests(DirectoryRequest.maximumDigests)), block: 9, newest: link(1)),
        DirectoryRequest(.networkFile(nil)),
        DirectoryRequest(.networkFile(.max), block: 1),
    ]

    static func blocks() throws -> [DirectoryBlock] {
        let body = (0..<DirectoryBlock.capacity).map { UInt8(truncatingIfNeeded: $0) }
        return [
            .without(.unknown, newest: nil), .without(.busy, newest: link(3)),
            try #require(DirectoryBlock([1], block: 0, total: 1, newest: nil)),
            try #require(DirectoryBlock(body, block: 0, total: DirectoryBlock.capacity, newest: link(1_494_000))),
            try #require(DirectoryBlock([5, 6], block: 1, total: DirectoryBlock.capacity + 2, newest: link(2))),
        ]
    }

    @Test("what is written is read again, in 32,768 bytes")
    func roundTrips() throws {
        for request in Self.requests {
            #expect(request.encoded.count == 32_768)
            #expect(try DirectoryRequest(decoding: request.encoded) == request)
        }
        for block in try Self.blocks() {
            #expect(block.encoded.count == 32_768)
            #expect(try DirectoryBlock(decoding: block.encoded) == block)
        }
        #expect(DirectoryBlock.capacity == 32_716)
    }

    @Test("the bytes are those of this version")
    func golden() throws {
        func hex(_ bytes: [UInt8], _ count: Int) -> String {
            #expect(bytes[count...].allSatisfy { $0 == 0 })
            return Hex.encode(Array(bytes[..<count]))
        }
        let zeros = String(repeating: "00", count: 40)
        #expect(hex(DirectoryRequest(.latest).encoded, 48) == "0101000000000000" + zeros)
        let link = ConsensusLink(slot: Slot(0x0102), digest: Digest([UInt8](repeating: 0xAB, count: 32)) ?? Digest())
        let linkText = "0000000000000102" + String(repeating: "ab", count: 32)
        #expect(
            hex(DirectoryRequest(.consensus(link), block: 5, newest: link).encoded, 88)
                == "0102010000000005" + linkText + linkText)
        #expect(
            hex(DirectoryRequest(.documents([link.digest]), block: 1).encoded, 82)
                == "0103000000000001" + zeros + "0001" + String(repeating: "ab", count: 32))
        #expect(hex(DirectoryRequest(.networkFile(7)).encoded, 52) == "0104000000000000" + zeros + "00000007")
        let block = try #require(DirectoryBlock([1, 2, 3], block: 0, total: 3, newest: link))
        #expect(hex(block.encoded, 55) == "010001000000000000000003" + linkText + "010203")
        #expect(hex(DirectoryBlock.without(.busy, newest: nil).encoded, 52) == "010200000000000000000000" + zeros)
    }

    @Test("digests are sorted, each once, and at most a thousand")
    func digestOrder() {
        let digests = Self.digests(1200)
        guard case .documents(let kept) = DirectoryRequest(.documents(digests.reversed() + digests)).subject else {
            Issue.record("another subject")
            return
        }
        #expect(kept == Array(digests.sorted().prefix(1000)))
    }

    @Test("a byte changed anywhere is refused or read as what it then says")
    func changedBytes() throws {
        var generator = SeededRandom(name: "directory frames")
        let blocks = try Self.blocks()
        for _ in 0..<300 {
            let request = try #require(Self.requests.randomElement(using: &generator))
            var bytes = request.encoded
            let place =
                Bool.random(using: &generator)
                ? Int.random(in: 0..<90, using: &generator)
                : Int.random(in: bytes.indices, using: &generator)
            bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
            if let read = try? DirectoryRequest(decoding: bytes) { #expect(read.encoded == bytes) }
            let block = try #require(blocks.randomElement(using: &generator))
            bytes = block.encoded
            bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
            if let read = try? DirectoryBlock(decoding: bytes) { #expect(read.encoded == bytes) }
        }
    }

    @Test("garbage, and every length but the right one, is refused")
    func garbage() throws {
        var generator = SeededRandom(name: "directory garbage")
        for request in Self.requests {
            let bytes = request.encoded
            for count in [0, 1, 2, 3, 7, 8, 47, 48, 49, 50, 90, 32_767] {
                #expect(throws: WireError.self) { try DirectoryRequest(decoding: Array(bytes[..<count])) }
            }
            #expect(throws: WireError.self) { try DirectoryRequest(decoding: bytes + [0]) }
        }
        for block in try Self.blocks() {
            for count in [0, 1, 4, 51, 52, 53, 32_767] {
                #expect(throws: WireError.self) { try DirectoryBlock(decoding: Array(block.encoded[..<count])) }
            }
            #expect(throws: WireError.self) { try DirectoryBlock(decoding: block.encoded + [0]) }
        }
        for _ in 0..<100 {
            var bytes = generator.bytes(32_768)
            // Random bytes rarely come past the first two; these do.
            bytes[0] = 1
            bytes[1] = UInt8.random(in: 0...5, using: &generator)
            bytes[2] = UInt8.random(in: 0...1, using: &generator)
            bytes[3] = 0
            #expect(throws: WireError.self) { try DirectoryRequest(decoding: bytes) }
            #expect(throws: WireError.self) { try DirectoryBlock(decoding: bytes) }
        }
    }

    @Test("padding that is not zero, a flag of another value and digests out of order are refused")
    func noSecondSpelling() throws {
        func refused(_ request: DirectoryRequest, _ edit: (inout [UInt8]) -> Void) {
            var bytes = request.encoded
            edit(&bytes)
            #expect(throws: WireError.self) { try DirectoryRequest(decoding: bytes) }
        }
        for request in Self.requests where request.encoded.last == 0 {
            refused(request) { $0[32_767] = 1 }
            refused(request) { $0[2] = 2 }
            refused(request) { $0[3] = 1 }
            refused(request) { $0[0] = 2 }
            refused(request) { $0[1] = 5 }
        }
        // A link without the flag.
        refused(DirectoryRequest(.latest)) { $0[20] = 1 }
        let two = DirectoryRequest(.documents(Self.digests(2)))
        refused(two) { bytes in
            let first = Array(bytes[50..<82])
            bytes.replaceSubrange(50..<82, with: bytes[82..<114])
            bytes.replaceSubrange(82..<114, with: first)
        }
        refused(two) { $0.replaceSubrange(50..<82, with: $0[82..<114]) }
        refused(two) { $0[49] = 0 }
        refused(two) { ($0[48], $0[49]) = (0x03, 0xE9) }
    }

    @Test("a block that is not there, or of another length than it should have, is none")
    func ranges() {
        let capacity = DirectoryBlock.capacity
        #expect(DirectoryBlock.count(of: 0) == 0)
        #expect(DirectoryBlock.count(of: 1) == 1)
        #expect(DirectoryBlock.count(of: capacity) == 1)
        #expect(DirectoryBlock.count(of: capacity + 1) == 2)
        #expect(DirectoryBlock.range(of: 0, total: 0) == nil)
        #expect(DirectoryBlock.range(of: 1, total: capacity) == nil)
        #expect(DirectoryBlock.range(of: 1, total: capacity + 5) == capacity..<capacity + 5)
        #expect(DirectoryBlock.range(of: 0, total: -1) == nil)
        #expect(DirectoryBlock.range(of: .max, total: DirectoryBlock.maximumTotal) == nil)
        #expect(DirectoryBlock.range(of: 0, total: DirectoryBlock.maximumTotal + 1) == nil)
        #expect(DirectoryBlock([1, 2], block: 0, total: 3, newest: nil) == nil)
        #expect(DirectoryBlock([], block: 0, total: 0, newest: nil) == nil)
    }
}
