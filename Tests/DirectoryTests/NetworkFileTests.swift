import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Network files")
struct NetworkFileTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    private func refused(_ error: NetworkFileError, _ message: String, _ body: () throws -> NetworkFile) {
        let thrown = #expect(throws: NetworkFileError.self) { _ = try body() }
        #expect(thrown == error)
        #expect(thrown?.description == message)
    }

    /// What is signed of a document: half of every signature is random.
    static func signedPart(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text[..<(text.firstRange(of: "\nsignature ")?.lowerBound ?? text.endIndex)])
    }

    @Test("the form is that of the golden file")
    func golden() throws {
        let made = try AuthoritySet(3).file
        let golden = try DescriptorTests.golden("network.txt", recording: made.bytes)
        #expect(Self.signedPart(made.bytes) == Self.signedPart(golden))
        let read = try UnverifiedNetworkFile(golden).verify()
        #expect(read.name == "testing")
        #expect(read.version == 1)
        #expect(read.isTest)
        #expect(read.authorities.map(\.name.text) == ["ant", "bee", "cat"])
        #expect(read.authorities[1].urls == ["https://bee.example.org"])
        #expect(read.mirrors == ["https://mirror.example.net/nightjar"])
        #expect(read.parameters == RootParameters())
        #expect((read.faults, read.quorum) == (0, 2))
        #expect(read.digest == made.digest)
        #expect(read.leader(of: Slot(7)).name.text == "bee")
    }

    @Test(
        "quorums are those of the design, and any two have an honest authority in common",
        arguments: 1...Authority.maximumCount)
    func quorums(count: Int) {
        let expected = [1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 8: 6, 9: 6]
        #expect(Quorum.needed(count) == expected[count])
        #expect(2 * Quorum.needed(count) - count > Quorum.faults(count))
        #expect(Quorum.needed(count) <= count - Quorum.faults(count))
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        var generator = SeededRandom(name: "network file bytes")
        // One authority, so that every signature is needed.
        let bytes = try AuthoritySet(1).file.bytes
        for index in bytes.indices {
            guard bytes[index] == 10 || index.isMultiple(of: 41) || index < 200 || index > bytes.count - 40 else {
                continue
            }
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(throws: (any Error).self, "byte \(index)") { _ = try UnverifiedNetworkFile(changed).verify() }
        }
    }

    @Test("a quorum of its own authorities must have signed")
    func ownQuorum() throws {
        let keys = try AuthoritySet(4).identities
        func file(_ signers: [HybridSigningKey]) throws -> UnverifiedNetworkFile {
            let body = try AuthoritySet(4).file
            var draft = try NetworkFile.draft(
                name: body.name, version: 1, isTest: true, published: body.published, authorities: body.authorities)
            for key in signers { draft = try draft.signed(by: key) }
            return draft
        }
        let message = "the network file has 2 good signatures of its own authorities, but 3 are needed; do not use it"
        refused(.notEnoughSignatures(have: 2, needed: 3, of: "its own authorities"), message) {
            try file([keys[0], keys[3]]).verify()
        }
        // A stranger's signature is no help.
        refused(.notEnoughSignatures(have: 2, needed: 3, of: "its own authorities"), message) {
            try file([keys[0], keys[3], TestDirectory.hybridKey(1)]).verify()
        }
        let enough = try file([keys[0], keys[3], keys[1]])
        #expect(enough.missingSigners.map(\.text) == ["cat"])
        _ = try enough.verify()
    }

    @Test("an edition is signed by quorums of the set before it and of its own, and follows the one before it")
    func succession() throws {
        let old = try AuthoritySet(3)
        func next(
            _ signers: [HybridSigningKey], version: UInt32 = 2, previous: Digest? = nil, isTest: Bool = true,
            change: (inout RootParameters) -> Void = { _ in }
        ) throws -> UnverifiedNetworkFile {
            let new = try AuthoritySet(4, seed: 110)
            var parameters = RootParameters()
            change(&parameters)
            var draft = try NetworkFile.draft(
                name: "testing", version: version, isTest: isTest, published: TestDirectory.now,
                authorities: new.file.authorities, parameters: parameters, previous: previous ?? old.file.digest)
            for key in signers { draft = try draft.signed(by: key) }
            return draft
        }
        let new = try AuthoritySet(4, seed: 110).identities
        let both = Array(old.identities[..<2]) + Array(new[..<3])
        #expect(try next(both).verify(succeeding: old.file).version == 2)
        refused(
            .notEnoughSignatures(have: 1, needed: 2, of: "the authorities of the installed edition"),
            "the network file has 1 good signatures of the authorities of the installed edition, but 2 are needed; do not use it"
        ) { try next(Array(old.identities[..<1]) + new).verify(succeeding: old.file) }
        refused(
            .notEnoughSignatures(have: 2, needed: 3, of: "its own authorities"),
            "the network file has 2 good signatures of its own authorities, but 3 are needed; do not use it"
        ) { try next(old.identities + Array(new[..<2])).verify(succeeding: old.file) }
        let gap = #expect(throws: NetworkFileError.self) {
            try next(both, version: 3).verify(succeeding: old.file)
        }
        #expect(gap == .gap(have: 1, offered: 3))
        let stranger = #expect(throws: NetworkFileError.self) {
            try next(both, previous: .sha256("x")).verify(succeeding: old.file)
        }
        #expect(stranger == .notSucceeding(version: 2))
        let real = #expect(throws: NetworkFileError.self) {
            try next(both, isTest: false).verify(succeeding: old.file)
        }
        #expect(real == .changedForever("whether it is a test network"))
        let changed = #expect(throws: NetworkFileError.self) {
            try next(both) { $0.periodLength = .days(6) }.verify(succeeding: old.file)
        }
        #expect(changed == .changedForever("a parameter"))
    }

    @Test("an older edition, another network and a second file of one version are refused")
    func rollback() throws {
        let first = try AuthoritySet(3)
        let second = try AuthoritySet(3, version: 2, previous: first.file.digest)
        refused(
            .rollback(have: 2, offered: 1), "the network file is version 1, older than version 2 that is installed"
        ) {
            try UnverifiedNetworkFile(first.file.bytes).verify(succeeding: second.file)
        }
        refused(.otherNetwork("other"), "this is the network file of another network, other") {
            try UnverifiedNetworkFile(AuthoritySet(3, network: "other").file.bytes).verify(succeeding: first.file)
        }
        let fork = try AuthoritySet(3, version: 2, previous: .sha256("another"))
        let thrown = #expect(throws: NetworkFileError.self) {
            try UnverifiedNetworkFile(fork.file.bytes).verify(succeeding: second.file)
        }
        #expect(thrown == .fork(version: 2))
        // The same edition with other signatures is the same.
        let again = try UnverifiedNetworkFile(second.file.bytes).signed(by: second.identities[0])
        #expect(try again.verify(succeeding: second.file) == second.file)
    }

    private static let faultTable: [(String, DocumentError.Reason, Edit)] = [
        ("the form without authorities", .value, { try $0.set("nightjar-network", "1") }),
        ("a name with capitals", .value, { try $0.set("network", "Testing") }),
        ("version 0", .value, { try $0.set("version", "0") }),
        ("a version with a leading zero", .value, { try $0.set("version", "03") }),
        ("a version that is too high", .value, { try $0.set("version", "4294967296") }),
        ("a test-network with an argument", .value, { try $0.set("test-network", "yes") }),
        ("a date of another form", .value, { try $0.set("published", "today") }),
        ("another quorum", .value, { try $0.set("quorum", "1") }),
        ("an unknown parameter", .value, { try $0.set("parameter", "colour", "1") }),
        ("a parameter out of its range", .value, { try $0.set("parameter", "acceptance", "0") }),
        ("a parameter spelt otherwise", .value, { try $0.set("parameter", "acceptance", "+3") }),
        ("a parameter less", .value, { $0.remove(at: try $0.position("parameter")) }),
        (
            "parameters out of order", .value,
            { $0.swapAt(try $0.position("parameter"), try $0.position("parameter") + 1) }
        ),
        ("an authority's key that is short", .value, { $0[try $0.position("authority")].object?.bytes.removeLast() }),
        ("authorities out of order", .value, { try $0.set("authority", "zoe") }),
        ("a name that another authority has", .value, { try $0.set("authority", "BEE") }),
        ("a URL of another kind", .value, { try $0.set("url", "ftp://ant.example.org") }),
        ("a URL with a query", .value, { try $0.set("url", "https://ant.example.org?x") }),
        ("a mirror with a slash behind", .value, { try $0.set("mirror", "https://a.example/") }),
        ("an unknown item", .unexpected, { $0.append(DocumentItem("colour", ["blue"])) }),
        ("items out of order", .unexpected, { $0.swapAt(1, 2) }),
        ("no authority", .value, { $0.removeAll { ["authority", "url"].contains($0.keyword) } }),
    ]

    @Test("a file of another form is refused for", arguments: faultTable.indices)
    func faults(index: Int) throws {
        let (what, reason, edit) = Self.faultTable[index]
        var items = try Document.parse(AuthoritySet(3).file.bytes).map(\.item).filter { $0.keyword != "signature" }
        try edit(&items)
        let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedNetworkFile(Document.write(items)) }
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
        #expect(NetworkParameters(root: RootParameters()).voted.count == parameters.values.count - 2)
    }
}
