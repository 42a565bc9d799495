import TestSupport
import Testing
import WireFormat

/// The canonical text form: one byte string for a document, and nothing that is read can trap or take long.
@Suite("Documents")
struct DocumentTests {
    private static let sample: [DocumentItem] = [
        DocumentItem("nightjar-descriptor", ["1"]),
        DocumentItem("identity", [], object: DocumentObject("ED25519 KEY", Array(0..<32))),
        DocumentItem("address", ["192.0.2.7", "48099"]),
        DocumentItem("contact", ["Zoë", "<zoe@example.org>", "🐦"]),
        // 48 bytes fill a line exactly, 49 need a second line, 96 fill two.
        DocumentItem("key", ["7"], object: DocumentObject("X-WING KEY 2", [UInt8](repeating: 0xA5, count: 48))),
        DocumentItem("key", ["8"], object: DocumentObject("K", [UInt8](repeating: 0x5A, count: 49))),
        DocumentItem("key", ["9"], object: DocumentObject("K", [UInt8](repeating: 0x11, count: 96))),
        DocumentItem("end"),
    ]

    private static func items(_ bytes: [UInt8]) throws(DocumentError) -> [DocumentItem] {
        try Document.parse(bytes).map(\.item)
    }
    private static func items(_ text: String) throws(DocumentError) -> [DocumentItem] { try items(Array(text.utf8)) }

    @Test("the form is what it is")
    func golden() {
        let text = """
            nightjar-test 1 two
            key
            -----BEGIN TEST KEY-----
            AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v
            MDEy
            -----END TEST KEY-----
            end

            """
        let written = Document.write([
            DocumentItem("nightjar-test", ["1", "two"]),
            DocumentItem("key", [], object: DocumentObject("TEST KEY", Array(0..<51))),
            DocumentItem("end"),
        ])
        #expect(String(decoding: written, as: UTF8.self) == text)
    }

    @Test("what is written is read back, with lines and offsets")
    func roundTrip() throws {
        let bytes = Document.write(Self.sample)
        let parsed = try Document.parse(bytes)
        #expect(parsed.map(\.item) == Self.sample)
        #expect(parsed.map(\.line) == [1, 2, 6, 7, 8, 12, 17, 22])
        for (index, item) in parsed.enumerated() {
            #expect(Array(bytes[item.offset...]) == Document.write(Array(Self.sample[index...])))
        }
    }

    @Test("random documents are read back")
    func random() throws {
        var generator = SeededRandom(name: "random documents")
        for _ in 0..<200 {
            let items = Self.randomItems(using: &generator)
            #expect(try Self.items(Document.write(items)) == items)
        }
    }

    private static func randomItems(using generator: inout SeededRandom) -> [DocumentItem] {
        let letters = Array("abcxyz019-")
        let others = Array("aZ0=/+!~éß🐦漢:\u{a0}")
        func word(_ alphabet: [Character]) -> String {
            String(
                (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? "a"
                })
        }
        return (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            let arguments = (0..<Int.random(in: 0...4, using: &generator)).map { _ in word(others) }
            let bytes = generator.bytes(Int.random(in: 1...200, using: &generator))
            let object = Bool.random(using: &generator) ? DocumentObject("A LABEL-9", bytes) : nil
            return DocumentItem("k" + word(letters), arguments, object: object)
        }
    }

    /// A changed document is refused, or is another document whose one spelling these bytes are.
    private static func isRefusedOrCanonical(_ changed: [UInt8]) -> Bool {
        guard let items = try? items(changed) else { return true }
        return Document.write(items) == changed
    }

    @Test("every byte changed to every other value is refused or another canonical document")
    func changes() {
        let bytes = Document.write(Array(Self.sample.prefix(4)))
        var accepted = 0
        for index in bytes.indices {
            for value in UInt8.min ... .max where value != bytes[index] {
                var changed = bytes
                changed[index] = value
                #expect(Self.isRefusedOrCanonical(changed), "byte \(index) set to \(value)")
                if (try? Self.items(changed)) != nil { accepted += 1 }
            }
        }
        // Letters of words may differ and the document is another one: the test does see both outcomes.
        #expect(accepted > 1000)
    }

    @Test("every byte left out and every byte put in is refused or another canonical document")
    func insertionsAndDeletions() {
        let bytes = Document.write(Self.sample)
        let inserted: [UInt8] = [0, 9, 10, 13, 32, 45, 48, 61, 65, 97, 127, 128, 0xC3, 0xEF, 0xFF]
        for index in 0...bytes.count {
            if index < bytes.count {
                var shorter = bytes
                shorter.remove(at: index)
                #expect(Self.isRefusedOrCanonical(shorter), "without byte \(index)")
            }
            for value in inserted {
                var longer = bytes
                longer.insert(value, at: index)
                #expect(Self.isRefusedOrCanonical(longer), "\(value) at \(index)")
            }
        }
    }

    @Test("every cut is refused or canonical")
    func cuts() {
        let bytes = Document.write(Self.sample)
        for count in bytes.indices { #expect(Self.isRefusedOrCanonical(Array(bytes[..<count])), "\(count) bytes") }
    }

    @Test("garbage never traps, and what is read is canonical")
    func garbage() {
        var generator = SeededRandom(name: "document garbage")
        let pieces = [
            "-----BEGIN ", "-----END ", "-----", "\n", " ", "KEY", "-----\n", "a", "AAAA", "=", "\r", "\u{0}", "é",
            "-----BEGIN K-----\n",
            "-----END K-----\n", "keyword x\n",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            let bytes = Array(text.joined().utf8)
            #expect(Self.isRefusedOrCanonical(bytes), "\(text)")
            let noise = generator.bytes(Int.random(in: 0...80, using: &generator)) + [10]
            #expect(Self.isRefusedOrCanonical(noise), "\(noise)")
        }
    }

    @Test(
        "each fault is named with its line",
        arguments: [
            ("", 0, .lineEnd), ("a", 0, .lineEnd), ("a\r\n", 1, .spacing), ("\n", 1, .keyword),
            ("a\n\nb\n", 2, .keyword),
            ("A\n", 1, .keyword), ("9a\n", 1, .keyword), ("-a\n", 1, .keyword), (" a\n", 1, .keyword),
            ("é\n", 1, .keyword),
            ("a_b\n", 1, .keyword), ("a \n", 1, .spacing), ("a  b\n", 1, .spacing), ("a\tb\n", 1, .spacing),
            ("a\u{7f}\n", 1, .spacing), ("a\u{0}\n", 1, .spacing),
            // What a terminal would obey, or nobody would see.
            ("a\nb é\u{9b}2J\n", 2, .spacing), ("a b\u{202e}c\n", 1, .spacing), ("a b\u{2066}c\n", 1, .spacing),
            ("a \u{200b}\n", 1, .spacing), ("a b\u{2028}c\n", 1, .spacing), ("a b\u{feff}c\n", 1, .spacing),
            ("a b\u{ad}c\n", 1, .spacing), ("a b\u{e0041}c\n", 1, .spacing),
            ("-----BEGIN K-----\nAAAA\n-----END K-----\n", 1, .object),
            ("a\n-----BEGIN K-----\nAAAA\n-----END L-----\n", 4, .object),
            ("a\n-----BEGIN K-----\n-----END K-----\n", 3, .object),
            ("a\n-----BEGIN K-----\nAAA\n-----END K-----\n", 4, .object), ("a\n-----BEGIN K-----\nAAAA\n", 3, .object),
            ("a\n-----BEGIN k-----\nAAAA\n-----END k-----\n", 2, .object), ("a\n-----END K-----\n", 2, .object),
            ("a\n-----BEGIN -----\nAAAA\n-----END -----\n", 2, .object), ("a\n-----BEGIN-----\n", 2, .object),
            ("a\n-----BEGIN A  B-----\nAAAA\n-----END A  B-----\n", 2, .object),
            ("a\n-----BEGIN K-----\nAAAA\nAAAA\n-----END K-----\n", 4, .object),
            ("a\n-----BEGIN K-----\n\n-----END K-----\n", 3, .object),
            ("a\n-----BEGIN K-----\nAA==\nAA==\n-----END K-----\n", 4, .object),
            (
                "a\n-----BEGIN K-----\nAAAA\n-----END K-----\n-----BEGIN K-----\nAAAA\n-----END K-----\n", 5,
                .object
            ),
            ("a\n-----BEGIN K-----\n" + String(repeating: "A", count: 68) + "\n-----END K-----\n", 3, .object),
        ] as [(String, Int, DocumentError.Reason)])
    func faults(text: String, line: Int, reason: DocumentError.Reason) {
        let error = #expect(throws: DocumentError.self) { try Self.items(text) }
        #expect(error == DocumentError(line: line, reason: reason))
    }

    @Test("bytes that are not UTF-8 are refused")
    func notText() {
        for bad: [UInt8] in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] {
            let error = #expect(throws: DocumentError.self) { try Document.parse([97, 32] + bad + [10]) }
            #expect(error?.description == "the document is not UTF-8 text")
        }
    }

    @Test("letters that only look equal are another document")
    func canonicalEquivalence() throws {
        // The same word for Swift's string comparison, in two spellings: bytes are what is signed.
        let composed = Array("contact Zo\u{EB}\n".utf8)
        let decomposed = Array("contact Zoe\u{308}\n".utf8)
        #expect(Document.write(try Self.items(composed)) == composed)
        #expect(Document.write(try Self.items(decomposed)) == decomposed)
        // U+212A, the Kelvin sign, equals K for Swift; a label is ASCII.
        #expect(throws: DocumentError.self) {
            try Self.items("a\n-----BEGIN \u{212A}-----\nAAAA\n-----END \u{212A}-----\n")
        }
    }

    @Test("a document has at most 16 MiB")
    func tooLarge() {
        let line = Array("keyword\n".utf8)
        let full = [UInt8](unsafeUninitializedCapacity: Document.maximumSize + 1) { buffer, count in
            for index in buffer.indices { buffer[index] = line[index & 7] }
            count = Document.maximumSize + 1
        }
        let error = #expect(throws: DocumentError.self) { try Document.parse(full) }
        #expect(error?.description == "the document is larger than a document may be")
    }

    @Test("the work grows with the size, not with its square")
    func largeObject() throws {
        let bytes = [UInt8](repeating: 0x42, count: 6 << 20)
        let document = Document.write([DocumentItem("a", [], object: DocumentObject("K", bytes))])
        let clock = ContinuousClock()
        var items: [DocumentItem] = []
        let time = try clock.measure { items = try Self.items(document) }
        #expect(items.first?.object?.bytes == bytes)
        // 130,000 lines: linear work takes a second or two, copying the object at every line takes most of a minute.
        #expect(time < .seconds(20))
    }

    @Test("the reader takes items in order and names the line of the first that does not fit")
    func reader() throws {
        var reader = DocumentReader(try Document.parse(Document.write(Self.sample)))
        _ = try reader.take("nightjar-descriptor", arguments: 1)
        #expect(throws: DocumentError(line: 2, reason: .unexpected)) { try reader.take("address") }
        #expect(throws: DocumentError(line: 2, reason: .value)) {
            try reader.take("identity", arguments: 1, object: "ED25519 KEY")
        }
        #expect(throws: DocumentError(line: 2, reason: .object)) { try reader.take("identity", object: "OTHER KEY") }
        #expect(throws: DocumentError(line: 2, reason: .object)) { try reader.take("identity") }
        #expect(try reader.take("identity", arguments: 0, object: "ED25519 KEY").object?.bytes == Array(0..<32))
        #expect(reader.invalid() == DocumentError(line: 2, reason: .value))
        #expect(try reader.takeAll("nothing").isEmpty)
        #expect(try reader.take("address", arguments: 2).arguments == ["192.0.2.7", "48099"])
        #expect(throws: DocumentError(line: 7, reason: .object)) { try reader.take("contact", object: "K") }
        _ = try reader.take("contact")
        #expect(throws: DocumentError(line: 12, reason: .object)) {
            try reader.takeAll("key", arguments: 1, object: "X-WING KEY 2")
        }
        #expect(try reader.takeAll("key", arguments: 1, object: "K").count == 2)
        #expect(throws: DocumentError(line: 22, reason: .unexpected)) { try reader.end() }
        _ = try reader.take("end", arguments: 0)
        try reader.end()
        #expect(!reader.isNext("end"))
        #expect(reader.offset == nil)
        #expect(throws: DocumentError.self) { try reader.take("end") }
        #expect(DocumentReader([]).line == 0)
    }
}
