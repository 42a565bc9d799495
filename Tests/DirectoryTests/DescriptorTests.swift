import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Descriptors")
struct DescriptorTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    /// A golden file.
    /// - Parameter recording: what to write in its place when NIGHTJAR_RECORD_GOLDEN is set.
    static func golden(_ name: String, recording made: [UInt8]? = nil) throws -> [UInt8] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(name)")
        if let made, ProcessInfo.processInfo.environment["NIGHTJAR_RECORD_GOLDEN"] != nil {
            try Data(made).write(to: file)
        }
        return Array(try Data(contentsOf: file))
    }

    /// A descriptor that uses every field.
    static func full() throws -> Descriptor {
        try TestDirectory.descriptor(1, "Ada-1") { fields in
            fields.addresses += [
                try #require(NodeAddress("[2a00:1450::8]:4000")), try #require(NodeAddress("mix.example.org:48099")),
            ]
            fields.keys[KeyPeriod(2968)] = TestDirectory.packetKey
            fields.capabilities = [
                Capability(Capability.Name.smtp, limits: ["size": 1_000_000, "recipients": 10]),
                Capability(Capability.Name.relay),
                Capability("future-thing"),
            ]
            fields.mixing = ["poisson", "mean-cap=1800"]
            fields.weaknesses = ["short-delay", "no-cover"]
            fields.family = [
                try TestDirectory.signingKey(3).verificationKey.nodeID,
                try TestDirectory.signingKey(2).verificationKey.nodeID,
            ]
            fields.contact = "Zoë <zoe@example.org>"
        }
    }

    @Test("the form is that of the golden file")
    func goldenFile() throws {
        let made = try Self.full()
        let golden = try Self.golden("descriptor.txt")
        #expect(String(decoding: made.bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self))
        let read = try UnverifiedDescriptor(golden).verify(network: "testing")
        #expect(read.id == made.id)
        #expect(read.fields.nickname.text == "Ada-1")
        #expect(
            read.fields.addresses.map(\.description) == [
                "8.8.4.4:48099", "[2a00:1450::8]:4000", "mix.example.org:48099",
            ])
        #expect(read.fields.keys.keys.sorted() == [KeyPeriod(2967), KeyPeriod(2968)])
        #expect(read.fields.capabilities.map(\.name) == ["exit-smtp", "future-thing", "relay"])
        #expect(read.fields.capabilities[0].limits.map(\.key) == ["recipients", "size"])
        #expect(read.fields.weaknesses == ["no-cover", "short-delay"])
        #expect(read.fields.family.count == 2)
        #expect(read.fields.contact == "Zoë <zoe@example.org>")
        #expect(read.fields.software == "nightjar 0.1")
        #expect(read.can(Capability.Name.smtp))
        #expect(!read.can(Capability.Name.mbox))
    }

    @Test("what is read makes the same bytes again")
    func canonical() throws {
        let key = try TestDirectory.signingKey(1)
        for descriptor in [try Self.full(), try TestDirectory.descriptor(1, "plain")] {
            let read = try UnverifiedDescriptor(descriptor.bytes).verify(network: "testing")
            #expect(try Descriptor.make(read.fields, identity: key).bytes == descriptor.bytes)
        }
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        var generator = SeededRandom(name: "descriptor bytes")
        let bytes = try Self.full().bytes
        for index in bytes.indices {
            // All of the text; of the base64 of the long keys a sample, as each costs a signature check.
            guard bytes[index] == 10 || index.isMultiple(of: 11) || index < 400 || index > bytes.count - 600 else {
                continue
            }
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(throws: DocumentError.self, "byte \(index)") {
                _ = try UnverifiedDescriptor(changed).verify(network: "testing")
            }
        }
    }

    @Test("bytes behind, before or missing are refused")
    func cuts() throws {
        let bytes = try Self.full().bytes
        for changed in [
            bytes + [10], bytes + bytes, [10] + bytes, Array(bytes.dropLast()), Array(bytes.dropFirst()), [],
        ] {
            #expect(throws: DocumentError.self) { try UnverifiedDescriptor(changed) }
        }
    }

    @Test("a signature counts for its key, its network and its kind of document alone")
    func signature() throws {
        let key = try TestDirectory.signingKey(1)
        let bytes = try TestDirectory.descriptor(1, "ada").bytes
        func refused(_ bytes: [UInt8], network: String = "testing") {
            let error = #expect(throws: DocumentError.self) {
                _ = try UnverifiedDescriptor(bytes).verify(network: network)
            }
            #expect(error?.description == "the document is not signed by the key that it names")
        }
        _ = try UnverifiedDescriptor(TestDirectory.resigned(bytes, kind: .descriptor, key: key) { _ in }).verify(
            network: "testing")
        refused(bytes, network: "other")
        refused(try TestDirectory.resigned(bytes, kind: .network, key: key) { _ in })
        refused(try TestDirectory.resigned(bytes, kind: .descriptor, network: "other", key: key) { _ in })
        // Says another network than the one that it is signed for, and the other way round.
        let moved = try TestDirectory.resigned(bytes, kind: .descriptor, network: "testing", key: key) {
            try $0.set("network", "other")
        }
        refused(moved)
        refused(moved, network: "other")
        refused(try TestDirectory.resigned(bytes, kind: .descriptor, key: TestDirectory.signingKey(2)) { _ in })
        let stolen = try TestDirectory.resigned(bytes, kind: .descriptor, key: key) { items in
            items[try items.position("identity")].object?.bytes = try TestDirectory.signingKey(2).verificationKey.bytes
        }
        refused(stolen)
        let short =
            Array(bytes.dropLast(200))
            + Document.write([
                DocumentItem("signature", [], object: DocumentObject(DocumentSignature.label, [1, 2, 3]))
            ])
        #expect(throws: DocumentError.self) { _ = try UnverifiedDescriptor(short).verify(network: "testing") }
    }

    @Test("a network file is not a descriptor")
    func otherKind() throws {
        let network = try AuthoritySet(1).file.bytes
        let error = #expect(throws: DocumentError.self) { try UnverifiedDescriptor(network) }
        #expect(error == DocumentError(line: 1, reason: .unexpected))
    }

    private static let object: @Sendable ([UInt8]) -> DocumentObject = { DocumentObject("XWING KEY", $0) }
    private static let faultTable: [(String, DocumentError.Reason, Edit)] = [
        ("another version", .value, { try $0.set("nightjar-descriptor", "2") }),
        ("a network name with capitals", .value, { try $0.set("network", "Testing") }),
        ("two network names", .value, { try $0.set("network", "a", "b") }),
        ("a nickname of another form", .value, { try $0.set("nickname", "1ada") }),
        ("an identity key that is short", .value, { $0[3].object?.bytes.removeLast() }),
        ("no identity key", .object, { $0[3].object = nil }),
        ("an object of another label", .object, { $0[3].object?.label = "ED448 KEY" }),
        ("an object where none belongs", .object, { $0[1].object = DocumentObject("K", [1]) }),
        ("no address", .value, { $0.remove(at: try $0.position("address")) }),
        ("an address that is none", .value, { try $0.set("address", "8.8.8", "1") }),
        ("port zero", .value, { try $0.set("address", "8.8.4.4", "0") }),
        ("a port with a leading zero", .value, { try $0.set("address", "8.8.4.4", "080") }),
        ("a port that is too high", .value, { try $0.set("address", "8.8.4.4", "65536") }),
        ("an address twice", .value, { $0.insert($0[try $0.position("address")], at: try $0.position("address")) }),
        (
            "nine addresses", .value,
            { items in
                let at = try items.position("address")
                for port in 1...8 { items.insert(DocumentItem("address", ["9.9.9.9", "\(port)"]), at: at) }
            }
        ),
        (
            "three host names", .value,
            { items in
                let at = try items.position("address")
                for name in ["a", "b", "c"] { items.insert(DocumentItem("address", ["\(name).org", "1"]), at: at) }
            }
        ),
        ("a long name of the software", .value, { try $0.set("software", String(repeating: "s", count: 129)) }),
        ("a long strategy", .value, { try $0.set("mixing", String(repeating: "m", count: 257)) }),
        ("a long contact", .value, { $0.append(DocumentItem("contact", ["me", String(repeating: "c", count: 254)])) }),
        ("a weakness of another form", .value, { $0.append(DocumentItem("weakness", ["no_cover"])) }),
        ("a long weakness", .value, { $0.append(DocumentItem("weakness", [String(repeating: "w", count: 33)])) }),
        (
            "many weaknesses", .value,
            { items in for number in 10...26 { items.append(DocumentItem("weakness", ["w\(number)"])) } }
        ),
        (
            "many capabilities", .value,
            { items in
                let at = try items.position("capability")
                for number in (10...26).reversed() { items.insert(DocumentItem("capability", ["a\(number)"]), at: at) }
            }
        ),
        (
            "a large family", .value,
            { items in
                for number in 10...42 {
                    items.append(DocumentItem("family", ["\(number)" + String(repeating: "0", count: 62)]))
                }
            }
        ),
        ("no version of MMTP that we speak", .value, { try $0.set("mmtp", "2") }),
        ("another geometry", .value, { try $0.set("geometry", String(repeating: "0", count: 64)) }),
        ("a date of another form", .value, { try $0.set("published", "2026-11-21") }),
        ("an end before its beginning", .value, { try $0.set("valid-until", "2026-11-21T05:00:00Z") }),
        ("a key period with a leading zero", .value, { try $0.set("packet-key", "02967") }),
        ("a key period that is too high", .value, { try $0.set("packet-key", "65536") }),
        ("a packet key of a wrong size", .value, { $0[try $0.position("packet-key")].object?.bytes.removeLast() }),
        (
            "a packet key that is no ML-KEM key", .value,
            {
                $0[try $0.position("packet-key")].object?.bytes.replaceSubrange(
                    0..<1184, with: [UInt8](repeating: 255, count: 1184))
            }
        ),
        (
            "a key period twice", .value,
            { $0.insert($0[try $0.position("packet-key")], at: try $0.position("packet-key")) }
        ),
        (
            "key periods out of order", .value,
            { items in
                var other = items[try items.position("packet-key")]
                other.arguments = ["9"]
                items.insert(other, at: try items.position("packet-key") + 1)
            }
        ),
        (
            "too many packet keys", .value,
            { items in
                let at = try items.position("packet-key")
                var other = items[at]
                for number in 1...8 {
                    other.arguments = ["\(2967 + number)"]
                    items.insert(other, at: at + number)
                }
            }
        ),
        ("a capability without a name", .value, { try $0.set("capability") }),
        ("a capability with capitals", .value, { try $0.set("capability", "Relay") }),
        ("a limit without a value", .value, { try $0.set("capability", "relay", "size") }),
        ("a limit that is no number", .value, { try $0.set("capability", "relay", "size=ten") }),
        ("a limit with a sign", .value, { try $0.set("capability", "relay", "size=+1") }),
        ("a limit that is too high", .value, { try $0.set("capability", "relay", "size=18446744073709551616") }),
        ("limits out of order", .value, { try $0.set("capability", "relay", "b=1", "a=1") }),
        ("a limit twice", .value, { try $0.set("capability", "relay", "a=1", "a=1") }),
        (
            "a capability twice", .value,
            { $0.insert($0[try $0.position("capability")], at: try $0.position("capability")) }
        ),
        ("a strategy without a name", .value, { try $0.set("mixing") }),
        (
            "weaknesses out of order", .value,
            { $0 += [DocumentItem("weakness", ["b"]), DocumentItem("weakness", ["a"])] }
        ),
        ("a weakness twice", .value, { $0 += [DocumentItem("weakness", ["a"]), DocumentItem("weakness", ["a"])] }),
        ("a family member that is no id", .value, { $0.append(DocumentItem("family", ["00"])) }),
        (
            "family members out of order", .value,
            { items in
                for digit in ["b", "a"] { items.append(DocumentItem("family", [String(repeating: digit, count: 64)])) }
            }
        ),
        ("an empty contact", .value, { $0.append(DocumentItem("contact")) }),
        ("no software", .value, { try $0.set("software") }),
        ("an unknown item", .unexpected, { $0.append(DocumentItem("colour", ["blue"])) }),
        ("a missing item", .unexpected, { $0.remove(at: try $0.position("mixing")) }),
        ("items out of order", .unexpected, { $0.swapAt(try $0.position("mmtp"), try $0.position("geometry")) }),
        ("an item twice", .unexpected, { $0.insert($0[try $0.position("network")], at: try $0.position("network")) }),
    ]

    @Test("a descriptor that its node signed is still refused for", arguments: faultTable.indices)
    func faults(index: Int) throws {
        let (what, reason, edit) = Self.faultTable[index]
        let bytes = try TestDirectory.descriptor(1, "ada").bytes
        let changed = try TestDirectory.resigned(
            bytes, kind: .descriptor, key: TestDirectory.signingKey(1), change: edit)
        let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedDescriptor(changed) }
        #expect(error?.reason == reason, "\(what)")
        #expect((error?.line ?? 0) > 0, "\(what): the line is named")
    }

    @Test("all that a descriptor may say fits into its size")
    func fullest() throws {
        let fullest = try TestDirectory.descriptor(1, "Full-" + String(repeating: "n", count: 19)) { fields in
            let label = String(repeating: "h", count: 63)
            fields.addresses = try (1...8).map { number in
                let name = [label, label, label, String(repeating: "\(number)", count: 57) + ".org"]
                let host =
                    number <= 2 ? name.joined(separator: ".") : "2a00:1450:aaaa:bbbb:cccc:dddd:eeee:\(1000 + number)"
                return try #require(NodeAddress(host: host, port: 48099))
            }
            let names = (0..<16).map { String(repeating: "abcdefghijklmnop".map(String.init)[$0], count: 32) }
            for number in 0..<8 { fields.keys[KeyPeriod(UInt16(2967 + number))] = TestDirectory.packetKey }
            fields.capabilities = names.map { Capability($0, limits: ["limit": UInt64.max]) }
            fields.mixing = [String(repeating: "m", count: 256)]
            fields.weaknesses = names
            fields.family = try (0..<4).map { try TestDirectory.signingKey($0 + 2).verificationKey.nodeID }
            fields.contact = String(repeating: "c", count: 256)
            fields.software = String(repeating: "s", count: 128)
        }
        // 28 more of a family of 32, and two nymservers.
        let key = try #require(TestDirectory.packetKey)
        let long = String(repeating: "n.", count: 126)
        let domains = try TestDirectory.descriptor(1, fullest.fields.nickname.text) { fields in
            fields = fullest.fields
            fields.nymDomains = try ["a", "b"].map { try #require(NymDomain(domain: long + $0, key: key)) }
        }
        #expect(domains.fields.keys.count + domains.fields.nymDomains.count == Descriptor.maximumKeysInAll)
        #expect(domains.bytes.count + 28 * 72 < Descriptor.maximumSize)
        #expect(Consensus.maximumNodes * Descriptor.maximumSize <= DescriptorBundle.maximumSize)
    }

    @Test("a descriptor is at most 24 KiB")
    func size() throws {
        let error = #expect(throws: DocumentError.self) {
            try TestDirectory.descriptor(1, "ada") { fields in
                fields.contact = String(repeating: "x", count: Descriptor.maximumSize)
            }
        }
        #expect(error == DocumentError(line: 0, reason: .tooLarge))
    }

    @Test("a node cannot sign what no one could read")
    func badFields() throws {
        #expect(throws: DocumentError.self) {
            try TestDirectory.descriptor(1, "ada") { fields in fields.contact = "a\nsignature" }
        }
        #expect(throws: DocumentError.self) {
            try TestDirectory.descriptor(1, "ada") { fields in fields.weaknesses = ["a b"] }
        }
        #expect(throws: DocumentError.self) {
            try TestDirectory.descriptor(1, "ada") { fields in fields.validUntil = fields.published }
        }
        #expect(throws: DocumentError.self) { try TestDirectory.descriptor(1, "ada") { fields in fields.network = "" } }
    }

    @Test("nicknames are 1 to 24 letters, digits, hyphens and underscores after a letter, compared without case")
    func nicknames() throws {
        for good in ["a", "Z9", "a-b_c", String(repeating: "x", count: 24)] { #expect(Nickname(good)?.text == good) }
        for bad in [
            "", "1a", "-a", "_a", "a b", "a.b", "é", "a\u{301}", "\u{212A}ay", "a\n", String(repeating: "x", count: 25),
        ] {
            #expect(Nickname(bad) == nil, "\(bad)")
        }
        #expect(Nickname("AdA")?.folded == "ada")
        #expect(Nickname("AdA")?.description == "AdA")
    }
}
