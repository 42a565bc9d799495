import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Network files")
struct NetworkFileTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    static func sample() throws -> NetworkFile {
        var parameters = NetworkParameters()
        parameters.hops = 3
        parameters.meanDelay = .seconds(60)
        return try TestDirectory.network(
            [try TestDirectory.descriptor(1, "ada"), try TestDirectory.descriptor(2, "bob", "9.9.9.9:7")],
            parameters: parameters)
    }

    private static func open(_ bytes: [UInt8], trusted: UInt8? = 200, at now: Timestamp = TestDirectory.now) throws
        -> NetworkFile
    {
        try UnverifiedNetworkFile(bytes).verify(
            trusted: try trusted.map(TestDirectory.signingKey)?.verificationKey, at: now)
    }

    private static func resigned(_ bytes: [UInt8], _ change: (inout [DocumentItem]) throws -> Void) throws -> [UInt8] {
        try TestDirectory.resigned(bytes, kind: .network, key: TestDirectory.signingKey(200), change: change)
    }

    private func refused(_ error: NetworkFileError, _ message: String, _ body: () throws -> NetworkFile) {
        let thrown = #expect(throws: NetworkFileError.self) { _ = try body() }
        #expect(thrown == error)
        #expect(thrown?.description == message)
    }

    @Test("the form is that of the golden file")
    func golden() throws {
        let made = try Self.sample()
        let golden = try DescriptorTests.golden("network.txt")
        #expect(String(decoding: made.bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self))
        let read = try Self.open(golden)
        #expect(read.name == "testing")
        #expect(read.version == 3)
        #expect(!read.isTest)
        #expect(read.parameters.hops == 3)
        #expect(read.parameters.meanDelay == .seconds(60))
        #expect(read.parameters.delayCap == NetworkParameters().delayCap)
        #expect(Set(read.nodes.map(\.fields.nickname.text)) == ["ada", "bob"])
        #expect(read.signer == (try TestDirectory.signingKey(200).verificationKey))
    }

    @Test("nodes are found by nickname without case, by id and by 8 digits of it")
    func lookup() throws {
        let network = try Self.sample()
        let ada = try #require(network.node(named: "ADA"))
        #expect(ada.fields.nickname.text == "ada")
        #expect(network.node(named: ada.id.hex)?.id == ada.id)
        #expect(network.node(named: String(ada.id.hex.prefix(8)))?.id == ada.id)
        #expect(network.node(named: String(ada.id.hex.prefix(7))) == nil)
        #expect(network.node(named: "ad") == nil)
        #expect(network.node(ada.id)?.id == ada.id)
        #expect(network.node(NodeID()) == nil)
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        var generator = SeededRandom(name: "network file bytes")
        let bytes = try Self.sample().bytes
        for index in bytes.indices {
            guard bytes[index] == 10 || index.isMultiple(of: 13) || index < 300 || index > bytes.count - 400 else {
                continue
            }
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            // Also when nobody has trusted a key yet: then the file must at least be whole.
            #expect(throws: (any Error).self, "byte \(index)") { _ = try Self.open(changed, trusted: nil) }
        }
    }

    @Test("who signed, and for what, decides")
    func signature() throws {
        let sample = try Self.sample()
        let bad = "the network file's signature is wrong: it was damaged or forged; fetch it again"
        let key = try TestDirectory.signingKey(200)
        _ = try Self.open(sample.bytes, trusted: nil)
        refused(
            .otherSigner,
            "the network file is signed by another key than the one trusted for this network; do not use it"
        ) {
            try Self.open(sample.bytes, trusted: 201)
        }
        refused(.badSignature, bad) {
            try Self.open(TestDirectory.resigned(sample.bytes, kind: .descriptor, key: key) { _ in })
        }
        refused(.badSignature, bad) {
            try Self.open(TestDirectory.resigned(sample.bytes, kind: .network, network: "other", key: key) { _ in })
        }
        refused(.badSignature, bad) {
            try Self.open(
                TestDirectory.resigned(sample.bytes, kind: .network, key: TestDirectory.signingKey(201)) { _ in })
        }
        // Renamed: signed properly for the other name, but the descriptors say which network they belong to.
        refused(.badDescriptor("ada"), "the descriptor of node ada in the network file is not signed by that node") {
            try Self.open(
                TestDirectory.resigned(sample.bytes, kind: .network, network: "other", key: key) {
                    try $0.set("network", "other")
                })
        }
    }

    @Test("a descriptor is not a network file")
    func otherKind() throws {
        let error = #expect(throws: DocumentError.self) {
            try UnverifiedNetworkFile(TestDirectory.descriptor(1, "ada").bytes)
        }
        #expect(error?.description == "line 1 has an item that is unknown, missing, repeated or out of order")
    }

    @Test("a file counts from a day before it was made until it expires")
    func times() throws {
        let sample = try Self.sample()
        _ = try Self.open(sample.bytes, at: sample.published - .days(1))
        refused(
            .notYet(sample.published),
            "the network file was made on 2026-11-21T04:30:00Z, which is in the future here; set this machine's clock"
        ) { try Self.open(sample.bytes, at: sample.published - .days(1) - .milliseconds(1)) }
        _ = try Self.open(sample.bytes, at: sample.validUntil - .milliseconds(1))
        refused(
            .expired(sample.validUntil),
            "the network file expired on 2026-12-21T06:30:00Z; get a newer one from the network's operator"
        ) { try Self.open(sample.bytes, at: sample.validUntil) }
    }

    @Test("a node's address must be reachable from outside, except in a test network")
    func privateAddresses() throws {
        for address in ["10.0.0.1:48099", "[fe80::1]:48099", "localhost:48099"] {
            let nodes = [try TestDirectory.descriptor(1, "ada"), try TestDirectory.descriptor(2, "bob", address)]
            refused(
                .privateAddress("bob", address),
                "node bob has the address \(address), which cannot be reached from outside; only a test network may list it"
            ) { try TestDirectory.network(nodes) }
            let network = try TestDirectory.network(nodes, isTest: true)
            #expect(network.isTest)
            #expect(try Self.open(network.bytes).isTest)
        }
    }

    @Test("a node and a nickname are listed once")
    func repeated() throws {
        let ada = try TestDirectory.descriptor(1, "ada")
        refused(.repeatedNode("ada"), "node ada is in the network file twice") {
            try TestDirectory.network([ada, ada])
        }
        let thrown = #expect(throws: NetworkFileError.self) {
            try TestDirectory.network([ada, TestDirectory.descriptor(2, "ADA", "9.9.9.9")])
        }
        #expect(thrown == .repeatedNode("ada") || thrown == .repeatedNode("ADA"))
    }

    @Test("a descriptor that another key signed spoils the file")
    func badDescriptor() throws {
        let ada = try TestDirectory.descriptor(1, "ada")
        let forged = try TestDirectory.resigned(ada.bytes, kind: .descriptor, key: TestDirectory.signingKey(9)) { _ in }
        let bytes = try Self.resigned(TestDirectory.network([ada]).bytes) { items in
            items[try items.position("descriptor")].object?.bytes = forged
        }
        refused(.badDescriptor("ada"), "the descriptor of node ada in the network file is not signed by that node") {
            try Self.open(bytes)
        }
    }

    @Test("a rollback is described")
    func rollback() {
        #expect(
            NetworkFileError.rollback(have: 5, offered: 4).description
                == "the network file is version 4, older than version 5 that is installed")
    }

    private static let faultTable: [(String, DocumentError.Reason, Edit)] = [
        ("another version of the form", .value, { try $0.set("nightjar-network", "2") }),
        ("a name with capitals", .value, { try $0.set("network", "Testing") }),
        ("a version with a leading zero", .value, { try $0.set("version", "03") }),
        ("a version that is too high", .value, { try $0.set("version", "4294967296") }),
        ("a test-network with an argument", .value, { $0.insert(DocumentItem("test-network", ["yes"]), at: 3) }),
        ("a date of another form", .value, { try $0.set("published", "today") }),
        ("an end before its beginning", .value, { try $0.set("valid-until", "2020-01-01T00:00:00Z") }),
        ("an unknown parameter", .value, { try $0.set("parameter", "colour", "1") }),
        ("a parameter out of its range", .value, { try $0.set("parameter", "hops", "6") }),
        ("a parameter below its range", .value, { try $0.set("parameter", "hops", "-1") }),
        ("a parameter that is no number", .value, { try $0.set("parameter", "hops", "three") }),
        ("a parameter spelt otherwise", .value, { try $0.set("parameter", "hops", "+3") }),
        (
            "parameters out of order", .value,
            { $0.swapAt(try $0.position("parameter"), try $0.position("parameter") + 1) }
        ),
        (
            "a parameter twice", .value,
            { $0.insert($0[try $0.position("parameter")], at: try $0.position("parameter")) }
        ),
        ("a descriptor that is none", .value, { $0[try $0.position("descriptor")].object?.bytes = Array("a\n".utf8) }),
        (
            "descriptors out of order", .value,
            { $0.swapAt(try $0.position("descriptor"), try $0.position("descriptor") + 1) }
        ),
        ("a signer's key that is short", .value, { $0[try $0.position("signer")].object?.bytes.removeLast() }),
        ("no signer", .unexpected, { $0.removeLast() }),
        ("an unknown item", .unexpected, { $0.append(DocumentItem("colour", ["blue"])) }),
        ("items out of order", .unexpected, { $0.swapAt(1, 2) }),
    ]

    @Test("a network file that its operator signed is still refused for", arguments: faultTable.indices)
    func faults(index: Int) throws {
        let (what, reason, edit) = Self.faultTable[index]
        let changed = try Self.resigned(Self.sample().bytes, edit)
        let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedNetworkFile(changed) }
        #expect(error?.reason == reason, "\(what)")
    }

    @Test("parameters stay in their ranges, and the standard ones keep the time budget")
    func parameters() {
        var parameters = NetworkParameters()
        #expect(parameters.isWithinTimeBudget)
        #expect(parameters.values.map(\.name) == parameters.values.map(\.name).sorted())
        func set(_ name: String, to value: Int64) -> Bool { parameters.set(name, to: value) }
        for (name, value) in parameters.values { #expect(set(name, to: value), "\(name)") }
        #expect(parameters == NetworkParameters())
        #expect(!set("hops", to: 0))
        #expect(!set("hops", to: 6))
        #expect(!set("nothing", to: 1))
        #expect(set("acceptance", to: 86_400_000))
        #expect(!parameters.isWithinTimeBudget)
        #expect(parameters.calendar.acceptance == .days(1))
    }
}
