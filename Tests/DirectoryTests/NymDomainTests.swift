import Directory
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@Suite("Domains of nyms in descriptors")
struct NymDomainTests {
    private static func domain(_ name: String) throws -> NymDomain {
        let key = try #require(TestDirectory.packetKey)
        return try #require(NymDomain(domain: name, key: key))
    }

    private static func descriptor(_ number: UInt8, _ name: String, _ domains: [String]) throws -> Descriptor {
        try TestDirectory.descriptor(number, name, "11.\(number).0.1") { fields in
            fields.capabilities.append(Capability(Capability.Name.nymserver))
            fields.nymDomains = try domains.map(domain)
        }
    }

    @Test("the form is that of the golden file, and what is read makes the same bytes again")
    func goldenFile() throws {
        let made = try Self.descriptor(1, "Ada-1", ["nym.example", "alias.example"])
        let golden = try DescriptorTests.golden("descriptor-nym.txt", recording: made.bytes)
        #expect(String(decoding: made.bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self))
        let read = try UnverifiedDescriptor(golden).verify(network: "testing")
        #expect(read.fields.nymDomains.map(\.domain) == ["alias.example", "nym.example"])
        #expect(read.nymDomain("nym.example")?.key == TestDirectory.packetKey)
        #expect(read.nymDomain("Nym.example") == nil)
        #expect(try Descriptor.make(read.fields, identity: TestDirectory.signingKey(1)).bytes == golden)
    }

    @Test("domains are host names in lower case")
    func names() throws {
        let key = try #require(TestDirectory.packetKey)
        for good in ["nym.example", "a", "xn--bcher-kva.example", "1.example"] {
            #expect(NymDomain(domain: good, key: key)?.domain == good)
        }
        for bad in ["", "Nym.example", "nym..example", "-a.example", "1.2.3.4", "::1", "a b", "a_b", "é.example", "a."]
        {
            #expect(NymDomain(domain: bad, key: key) == nil, "\(bad)")
        }
    }

    @Test("what is out of form is refused")
    func faults() throws {
        let good = try Self.descriptor(1, "ada", ["a.example", "b.example"]).bytes
        func refused(_ what: String, _ reason: DocumentError.Reason, _ edit: (inout [DocumentItem]) throws -> Void)
            throws
        {
            let changed = try TestDirectory.resigned(
                good, kind: .descriptor, key: TestDirectory.signingKey(1), change: edit)
            let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedDescriptor(changed) }
            #expect(error?.reason == reason, "\(what)")
        }
        try refused("out of order", .value) {
            $0.swapAt(try $0.position("nym-domain"), try $0.position("nym-domain") + 1)
        }
        try refused("twice", .value) { $0.insert($0[try $0.position("nym-domain")], at: try $0.position("nym-domain")) }
        try refused("capitals", .value) { try $0.set("nym-domain", "A.example") }
        try refused("an address", .value) { try $0.set("nym-domain", "1.2.3.4") }
        try refused("two words", .value) { try $0.set("nym-domain", "a.example", "b") }
        try refused("no key", .object) { $0[try $0.position("nym-domain")].object = nil }
        try refused("a short key", .value) { $0[try $0.position("nym-domain")].object?.bytes.removeLast() }
        try refused("another label", .object) { $0[try $0.position("nym-domain")].object?.label = "XWING KEY" }
        try refused("too many", .value) { items in
            let at = try items.position("nym-domain") + 2
            for name in ["c", "d", "e"].reversed() {
                var other = items[at - 1]
                other.arguments = [name + ".example"]
                items.insert(other, at: at)
            }
        }
        try refused("too many keys in all", .value) { items in
            let at = try items.position("packet-key")
            for number in (1...7).reversed() {
                var other = items[at]
                other.arguments = ["\(2967 + number)"]
                items.insert(other, at: at + 1)
            }
            let domains = try items.position("nym-domain") + 2
            var third = items[domains - 1]
            third.arguments = ["c.example"]
            items.insert(third, at: domains)
        }
        try refused("before the capabilities", .unexpected) { items in
            let item = items.remove(at: try items.position("nym-domain"))
            items.insert(item, at: try items.position("capability"))
        }
    }

    @Test("a path for a nym ends at a node that serves its domain")
    func paths() throws {
        var nodes = try (1...6).map { try TestDirectory.descriptor($0, "n\($0)", "11.\($0).0.1") }
        nodes += [
            try Self.descriptor(7, "x", ["a.example"]), try Self.descriptor(8, "y", ["a.example", "b.example"]),
        ]
        let selector = PathSelector(network: try TestDirectory.network(nodes), at: TestDirectory.now)
        var generator = SeededRandom(name: "paths to nyms")
        func exits(_ domain: String, _ path: String = "*") throws -> Set<String> {
            let demands = PathDemands(nymDomain: domain)
            let specification = try PathSpecification(path)
            return Set(
                try (0..<40).compactMap { _ in
                    try selector.choose(specification, demands: demands, using: &generator).last?.fields.nickname.text
                })
        }
        #expect(try exits("a.example") == ["x", "y"])
        #expect(try exits("b.example") == ["y"])
        let nobody = #expect(throws: PathError.self) { try exits("c.example") }
        #expect(nobody == .noExit("nyms of c.example (nym:)"))
        let other = #expect(throws: PathError.self) { try exits("b.example", "*2,x") }
        #expect(other == .cannotExit("x", needs: "nyms of b.example (nym:)"))
        let fixed = PathDemands(nymDomain: "b.example", fixedExit: nodes[6].id)
        #expect(throws: PathError.cannotExit("x", needs: "nyms of b.example (nym:)")) {
            try selector.choose(PathSpecification("*"), demands: fixed, using: &generator)
        }
    }
}
