import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Directory

@Suite("Directory shelf")
struct DirectoryShelfTests {
    private static func link(_ number: UInt64) -> ConsensusLink { DirectoryFrameTests.link(number) }

    /// Asks for all blocks of a subject.
    private static func whole(_ subject: DirectoryRequest.Subject, of shelf: DirectoryShelf) -> [UInt8]? {
        let first = shelf.answer(DirectoryRequest(subject))
        guard first.status == .ok else { return nil }
        var bytes = first.bytes
        for block in 1..<max(1, DirectoryBlock.count(of: Int(first.total))) {
            let next = shelf.answer(DirectoryRequest(subject, block: UInt32(block)))
            guard next.status == .ok, next.total == first.total else { return nil }
            bytes += next.bytes
        }
        return bytes.count == Int(first.total) ? bytes : nil
    }

    @Test("consensus, documents and network files come back whole, block by block, whatever their sizes")
    func whole() {
        var generator = SeededRandom(name: "shelf")
        for _ in 0..<40 {
            var shelf = DirectoryShelf()
            let consensus = generator.bytes(Int.random(in: 1...150_000, using: &generator))
            let documents = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                let bytes = generator.bytes(Int.random(in: 1...20_000, using: &generator))
                return (digest: Digest.sha256(bytes), bytes: bytes)
            }
            let file = generator.bytes(40_000)
            shelf.put(Self.link(5), bytes: consensus, documents: documents)
            shelf.put(networkFile: 2, bytes: file)
            shelf.put(networkFile: 1, bytes: [1])
            #expect(Self.whole(.latest, of: shelf) == consensus)
            #expect(Self.whole(.consensus(Self.link(5)), of: shelf) == consensus)
            #expect(Self.whole(.documents([Self.link(5).digest]), of: shelf) == consensus)
            #expect(Self.whole(.networkFile(nil), of: shelf) == file)
            #expect(Self.whole(.networkFile(1), of: shelf) == [1])
            #expect(Self.whole(.networkFile(3), of: shelf) == nil)
            let wanted = documents.filter { _ in Bool.random(using: &generator) } + [documents[0]]
            let expected = Set(wanted.map(\.digest)).sorted().flatMap { digest in
                documents.first { $0.digest == digest }?.bytes ?? []
            }
            // One that is not there is left out.
            #expect(Self.whole(.documents(wanted.map(\.digest) + [Digest()]), of: shelf) == expected)
            #expect(Self.whole(.documents([Digest()]), of: shelf) == nil)
        }
    }

    @Test("every answer tells the newest consensus, also one that has nothing else to tell")
    func gossip() {
        var shelf = DirectoryShelf()
        #expect(shelf.answer(DirectoryRequest(.latest)) == .without(.unknown, newest: nil))
        shelf.put(Self.link(5), bytes: [1], documents: [])
        shelf.put(Self.link(4), bytes: [2], documents: [])
        #expect(shelf.newest == Self.link(5))
        #expect(shelf.link(at: Slot(4)) == Self.link(4))
        #expect(shelf.link(at: Slot(3)) == nil)
        #expect(shelf.answer(DirectoryRequest(.consensus(Self.link(3)))) == .without(.unknown, newest: Self.link(5)))
        #expect(shelf.answer(DirectoryRequest(.latest, block: 1)) == .without(.unknown, newest: Self.link(5)))
        #expect(shelf.answer(DirectoryRequest(.consensus(Self.link(4)))).newest == Self.link(5))
        #expect(Self.whole(.latest, of: shelf) == [1])
    }

    @Test("three consensuses are kept with their documents; older ones and what only they name are gone")
    func editions() {
        var shelf = DirectoryShelf()
        let digests = DirectoryFrameTests.digests(10)
        for number in 1...5 {
            shelf.put(
                Self.link(UInt64(number)), bytes: [UInt8(number)],
                documents: [(digests[0], [0]), (digests[number], [UInt8(number)])])
        }
        #expect(Self.whole(.consensus(Self.link(2)), of: shelf) == nil)
        #expect(Self.whole(.consensus(Self.link(3)), of: shelf) == [3])
        #expect(Self.whole(.documents([digests[2]]), of: shelf) == nil)
        #expect(Self.whole(.documents([digests[3]]), of: shelf) == [3])
        #expect(Self.whole(.documents([digests[0]]), of: shelf) == [0])
        // One that is older than all of them is not taken.
        shelf.put(Self.link(1), bytes: [9], documents: [(digests[9], [9])])
        #expect(Self.whole(.consensus(Self.link(1)), of: shelf) == nil)
        #expect(Self.whole(.documents([digests[9]]), of: shelf) == nil)
        // Other signatures for the same consensus do not change what is being given out; new documents are added.
        shelf.put(Self.link(5), bytes: [5, 5], documents: [(digests[8], [8])])
        #expect(Self.whole(.latest, of: shelf) == [5])
        #expect(Self.whole(.documents([digests[8]]), of: shelf) == [8])
        #expect(Self.whole(.documents([digests[5]]), of: shelf) == [5])
    }

    @Test("network files: the newest thirty-two")
    func networkFiles() {
        var shelf = DirectoryShelf()
        for version in 1...40 { shelf.put(networkFile: UInt32(version), bytes: [UInt8(version)]) }
        #expect(Self.whole(.networkFile(8), of: shelf) == nil)
        #expect(Self.whole(.networkFile(9), of: shelf) == [9])
        #expect(Self.whole(.networkFile(nil), of: shelf) == [40])
    }
}
