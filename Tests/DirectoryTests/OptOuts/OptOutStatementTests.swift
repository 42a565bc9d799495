import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Opt-out statements")
struct OptOutStatementTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    private static func hash(_ number: UInt8) -> OptOutHash {
        [UInt8](repeating: number, count: OptOutHash.byteCount).withUnsafeBytes { OptOutHash(copying: $0) }
    }

    private static func make(_ numbers: [UInt8] = [3, 1, 2, 1]) throws -> OptOutStatement {
        try OptOutStatement.make(
            numbers.map(hash), network: "testing", published: TestDirectory.now,
            identity: TestDirectory.signingKey(1))
    }

    @Test("the form is that of the golden file")
    func goldenFile() throws {
        let made = try Self.make()
        let golden = try DescriptorTests.golden("opt-outs.txt", recording: made.bytes)
        #expect(String(decoding: made.bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self))
        let read = try UnverifiedOptOutStatement(golden).verify(network: "testing")
        #expect(read.hashes == [1, 2, 3].map(Self.hash))
        #expect(read.node == (try TestDirectory.signingKey(1).verificationKey.nodeID))
        #expect(read.published == TestDirectory.now)
        #expect(read.digest == made.digest)
        let unverified = try UnverifiedOptOutStatement(golden)
        #expect(unverified.digest == made.digest && unverified.node == made.node)
    }

    @Test("a statement may be empty, and may be full")
    func sizes() throws {
        let empty = try Self.make([])
        #expect(try UnverifiedOptOutStatement(empty.bytes).verify(network: "testing").hashes.isEmpty)
        var random = SeededRandom(name: "opt-out statements")
        func full(_ count: Int) throws -> OptOutStatement {
            try OptOutStatement.make(
                (0..<count).map { _ in OptOutHash.random(using: &random) },
                network: String(repeating: "n", count: 32), published: TestDirectory.now,
                identity: TestDirectory.signingKey(1))
        }
        let made = try full(OptOutStatement.maximumEntries)
        #expect(made.hashes.count == OptOutStatement.maximumEntries)
        #expect(made.bytes.count <= OptOutStatement.maximumSize)
        #expect(made.bytes.count > OptOutStatement.maximumSize - 2048)
        #expect(throws: DocumentError.self) { try full(OptOutStatement.maximumEntries + 1) }
    }

    private static let edits: [(String, DocumentError.Reason, Edit)] = [
        ("another version", .value, { try $0.set("nightjar-opt-outs", "2") }),
        ("a network's name with a blank", .value, { try $0.set("network", "a", "b") }),
        ("a wrong count", .value, { try $0.set("entries", "4") }),
        ("a count of a second spelling", .value, { try $0.set("entries", "03") }),
        (
            "entries out of order", .value,
            { items in
                let place = try items.position("entries")
                items[place].object?.bytes = [3, 2, 1].flatMap { hash($0).bytes }
            }
        ),
        (
            "an entry twice", .value,
            { items in
                let place = try items.position("entries")
                items[place].object?.bytes = [1, 1, 2].flatMap { hash($0).bytes }
            }
        ),
        (
            "half an entry", .value,
            { items in
                let place = try items.position("entries")
                items[place].object?.bytes.removeLast(8)
            }
        ),
        ("no entries at all", .unexpected, { items in items.remove(at: try items.position("entries")) }),
        ("an item too many", .unexpected, { $0.append(DocumentItem("no-entries")) }),
        (
            "a key that is none", .value,
            { items in items[try items.position("identity")].object?.bytes = [1, 2, 3] }
        ),
    ]

    @Test("what is not of the form is refused", arguments: edits.indices)
    func refused(index: Int) throws {
        let (name, reason, edit) = Self.edits[index]
        let changed = try TestDirectory.resigned(
            Self.make().bytes, kind: .optOuts, key: TestDirectory.signingKey(1), change: edit)
        #expect(throws: DocumentError.self, "\(name)") { try UnverifiedOptOutStatement(changed) }
        do { _ = try UnverifiedOptOutStatement(changed) } catch { #expect(error.reason == reason, "\(name)") }
    }

    @Test("another key, another network and another kind of document are no signature")
    func signatures() throws {
        let made = try Self.make()
        #expect(throws: DocumentError.self) { try UnverifiedOptOutStatement(made.bytes).verify(network: "other") }
        let forged = try TestDirectory.resigned(made.bytes, kind: .optOuts, key: TestDirectory.signingKey(2)) { _ in }
        #expect(throws: DocumentError.self) { try UnverifiedOptOutStatement(forged).verify(network: "testing") }
        let other = try TestDirectory.resigned(made.bytes, kind: .descriptor, key: TestDirectory.signingKey(1)) { _ in }
        #expect(throws: DocumentError.self) { try UnverifiedOptOutStatement(other).verify(network: "testing") }
    }

    @Test("damage anywhere is refused")
    func damage() throws {
        let bytes = try Self.make().bytes
        var random = SeededRandom(name: "opt-out statements")
        for _ in 0..<300 {
            var damaged = bytes
            let place = Int.random(in: 0..<bytes.count, using: &random)
            damaged[place] ^= UInt8.random(in: 1...255, using: &random)
            #expect(throws: DocumentError.self) {
                try UnverifiedOptOutStatement(damaged).verify(network: "testing")
            }
            #expect(throws: DocumentError.self) {
                try UnverifiedOptOutStatement(Array(bytes.prefix(place))).verify(network: "testing")
            }
        }
    }
}
