import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Votes")
struct VoteTests {
    private typealias Edit = @Sendable (inout [DocumentItem]) throws -> Void

    /// A vote that uses every item.
    static func full(_ ballot: Ballot) throws -> Vote {
        let nodes = [
            try Ballot.node(3, flags: [.running, .stable, .exit, .mailbox, .unmeasured]) {
                $0.measurement = NodeMeasurement(reliability: 993, latency: .seconds(7), samples: 212)
            },
            try Ballot.node(1, flags: []),
            try Ballot.node(2, flags: [.bad]) {
                $0.measurement = NodeMeasurement(reliability: 0, latency: nil, samples: 9)
            },
        ]
        return try ballot.vote(0, nodes) { contents in
            contents.previous = ConsensusLink(
                slot: try #require(ballot.slot.advanced(by: -1)), digest: Ballot.digest("before"))
            contents.parameters.hops = 4
            contents.brokenLinks = [
                NodeLink(from: nodes[0].id, to: nodes[1].id), NodeLink(from: nodes[1].id, to: nodes[2].id),
            ]
            contents.reports = [Ballot.digest("one report"), Ballot.digest("another")]
        }
    }

    @Test("the form is that of the golden file")
    func golden() throws {
        let ballot = try Ballot.of(4)
        let made = try Self.full(ballot)
        let golden = try DescriptorTests.golden("vote.txt", recording: made.bytes)
        let read = try UnverifiedVote(golden).verify(in: ballot.file)
        #expect(read.digest == made.digest)
        #expect(read.contents == made.contents)
        // All but the proof: half of every signature is random.
        let items = try [golden, made.bytes].map { try Document.parse($0).map(\.item).dropLast(2) }
        #expect(items[0] == items[1])
        #expect(read.contents.nodes.map(\.nickname.text) == ["node1", "node2", "node3"])
        // Whether it is measured is not the vote's to say.
        #expect(read.contents.nodes[2].flags == [.running, .stable, .exit, .mailbox])
        #expect(read.contents.nodes[2].measurement?.samples == 212)
        #expect(read.contents.nodes[1].measurement?.latency == nil)
        #expect(read.contents.parameters.hops == 4)
        #expect(read.contents.brokenLinks.count == 2)
        #expect(read.contents.reports.count == 2)
    }

    @Test("what is read makes the same document again, and signed again it is the same vote")
    func canonical() throws {
        let ballot = try Ballot.of(3)
        for vote in [try Self.full(ballot), try ballot.vote(0)] {
            let again = try Vote.make(vote.contents, network: ballot.file, signer: ballot.signers[0])
            #expect(again.digest == vote.digest)
            #expect(again.bytes != vote.bytes, "half of every signature is random")
        }
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        let ballot = try Ballot.of(1)
        var generator = SeededRandom(name: "vote bytes")
        let bytes = try Self.full(ballot).bytes
        for _ in 0..<300 {
            var changed = bytes
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(throws: (any Error).self, "byte \(index)") {
                _ = try UnverifiedVote(changed).verify(in: ballot.file)
            }
        }
        for changed in [bytes + [10], bytes + bytes, [10] + bytes, Array(bytes.dropLast()), []] {
            #expect(throws: DocumentError.self) { try UnverifiedVote(changed) }
        }
    }

    private static let table: [(String, DocumentError.Reason, Edit)] = [
        ("another version", .value, { try $0.set("nightjar-vote", "2") }),
        ("a network name with capitals", .value, { try $0.set("network", "Testing") }),
        (
            "a version with a leading zero", .value,
            { try $0.set("network-version", "01", String(repeating: "a", count: 64)) }
        ),
        ("no digest of the network file", .value, { try $0.set("network-version", "1") }),
        ("a name of another form", .value, { try $0.set("authority", "1ant") }),
        ("a slot with a sign", .value, { try $0.set("slot", "+5") }),
        ("a date of another form", .value, { try $0.set("published", "2026-11-21") }),
        ("no software", .value, { try $0.set("software") }),
        (
            "a previous consensus of the same slot", .value,
            { items in
                let slot = items[try items.position("slot")].arguments[0]
                try items.set("previous", slot, String(repeating: "a", count: 64))
            }
        ),
        ("a digest that is short", .value, { try $0.set("previous", "5", "aa") }),
        ("a parameter that is missing", .value, { $0.remove(at: try $0.position("parameter")) }),
        ("an unknown parameter", .value, { try $0.set("parameter", "colour", "5") }),
        (
            "a parameter that is not voted on", .value,
            { items in
                items.insert(DocumentItem("parameter", ["acceptance", "5000000"]), at: try items.position("parameter"))
            }
        ),
        ("a parameter out of range", .value, { try $0.set("parameter", "delay-cap", "-1") }),
        ("a node without a date", .value, { $0[try $0.position("node")].arguments.removeLast() }),
        ("a node id that is short", .value, { $0[try $0.position("node")].arguments[0].removeLast() }),
        ("a nickname of another form", .value, { $0[try $0.position("node")].arguments[1] = "1ada" }),
        ("an unknown flag", .value, { $0[try $0.position("node")].arguments.append("Blue") }),
        ("flags out of order", .value, { $0[try $0.position("node")].arguments += ["Stable", "Running"] }),
        ("a flag twice", .value, { $0[try $0.position("node")].arguments += ["Running", "Running"] }),
        ("a flag that is the tally's", .value, { $0[try $0.position("node")].arguments += ["Unmeasured"] }),
        ("a node twice", .value, { $0.insert($0[try $0.position("node")], at: try $0.position("node")) }),
        (
            "nodes out of order", .value,
            { $0[try $0.position("node")].arguments[0] = String(repeating: "f", count: 64) }
        ),
        (
            "a measurement of another node", .value,
            { $0[try $0.position("measured")].arguments[0] = String(repeating: "f", count: 64) }
        ),
        (
            "a measurement before its node", .unexpected,
            { items in
                items.insert(items[try items.position("measured")], at: try items.position("node"))
            }
        ),
        ("a reliability above all", .value, { $0[try $0.position("measured")].arguments[1] = "reliability=1001" }),
        (
            "a reliability with a leading zero", .value,
            { $0[try $0.position("measured")].arguments[1] = "reliability=00" }
        ),
        ("a measurement of nothing", .value, { $0[try $0.position("measured")].arguments[2] = "samples=0" }),
        (
            "a latency of a month", .value,
            { $0[try $0.position("measured")].arguments.insert("latency=2592000", at: 2) }
        ),
        ("a latency in the wrong place", .value, { $0[try $0.position("measured")].arguments.append("latency=5") }),
        (
            "a link to itself", .value,
            { items in
                let at = try items.position("broken-link")
                items[at].arguments[1] = items[at].arguments[0]
            }
        ),
        ("a link twice", .value, { $0.insert($0[try $0.position("broken-link")], at: try $0.position("broken-link")) }),
        ("a report twice", .value, { $0.insert($0[try $0.position("report")], at: try $0.position("report")) }),
        ("a report that is no digest", .value, { try $0.set("report", "all") }),
        ("an unknown item", .unexpected, { $0.append(DocumentItem("colour", ["blue"])) }),
        ("items out of order", .unexpected, { $0.swapAt(try $0.position("slot"), try $0.position("software")) }),
    ]

    @Test("a vote that its authority signed is still refused for", arguments: table.indices)
    func faults(index: Int) throws {
        let (what, reason, edit) = Self.table[index]
        let ballot = try Ballot.of(1)
        let changed = try Self.resigned(try Self.full(ballot).bytes, ballot, edit)
        let error = #expect(throws: DocumentError.self, "\(what)") { try UnverifiedVote(changed) }
        #expect(error?.reason == reason, "\(what)")
        #expect((error?.line ?? 0) > 0, "\(what): the line is named")
    }

    /// `bytes` with its items changed and signed anew by `signer`.
    static func resigned(
        _ bytes: [UInt8], _ ballot: Ballot, signer: Int = 0, kind: DocumentKind = .vote, network: String = "testing",
        _ change: (inout [DocumentItem]) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        var items = try Document.parse(bytes).map(\.item).dropLast(2).map { $0 }
        try change(&items)
        return try AuthorityProof.sign(items, kind: kind, network: network, signer: ballot.signers[signer])
    }

    @Test("a vote has room for 2000 nodes and links and 16 reports")
    func bounds() throws {
        let ballot = try Ballot.of(1)
        func vote(nodes: Int = 0, links: Int = 0, reports: Int = 0) throws -> Vote {
            let flags = Set(NodeFlag.allCases)
            let measurement = NodeMeasurement(reliability: 1000, latency: .days(10), samples: 1_000_000_000)
            let all = try (0..<nodes).map { number in
                try Ballot.node(number, flags: flags) {
                    $0.measurement = measurement
                    $0.nickname = try #require(Nickname("longestnicknam\(10_000 + number)"))
                }
            }
            return try ballot.vote(0, all) { contents in
                contents.software = String(repeating: "x", count: Vote.maximumSoftware)
                contents.brokenLinks = (0..<links).map {
                    NodeLink(from: NodeID(copying: $0), to: NodeID(copying: 9999))
                }
                contents.reports = (0..<reports).map { Ballot.digest("\($0)") }
            }
        }
        let most = try vote(nodes: 2000, links: 2000, reports: 16)
        #expect(most.contents.nodes.count == 2000)
        #expect(most.bytes.count < Vote.maximumSize * 2 / 3)
        #expect(throws: DocumentError.self) {
            try ballot.vote(0) { $0.software = String(repeating: "x", count: Vote.maximumSoftware + 1) }
        }
        // Two of the largest size fit into evidence, in base64 with its line ends.
        #expect(Evidence.maximumSize > 2 * Vote.maximumSize * 4 / 3 * 65 / 64 + (1 << 10))
        for (nodes, links, reports) in [(2001, 0, 0), (0, 2001, 0), (0, 0, 17)] {
            let error = #expect(throws: DocumentError.self) {
                _ = try vote(nodes: nodes, links: links, reports: reports)
            }
            #expect(error?.reason == .value)
        }
        #expect(throws: DocumentError(line: 0, reason: .tooLarge)) {
            try UnverifiedVote([UInt8](repeating: 10, count: Vote.maximumSize + 1))
        }
    }

    @Test("a vote counts for its authority, its network and its edition of the network file alone")
    func belonging() throws {
        let ballot = try Ballot.of(4)
        let vote = try Self.full(ballot)
        func refused(_ error: AuthorityDocumentError, _ bytes: [UInt8], in file: NetworkFile) {
            #expect(throws: error) { _ = try UnverifiedVote(bytes).verify(in: file) }
        }
        refused(.otherNetwork("testing"), vote.bytes, in: try AuthoritySet(4, network: "other").file)
        let next = try AuthoritySet(4, isTest: false, version: 2, previous: ballot.file.digest).file
        refused(.otherNetworkVersion(have: 2, named: 1), vote.bytes, in: next)
        refused(.otherNetwork("testing"), vote.bytes, in: try AuthoritySet(3, isTest: false).file)
        refused(
            .badCertificate("zoe"), try Self.resigned(vote.bytes, ballot) { try $0.set("authority", "zoe") },
            in: ballot.file)
        // Signed by another authority than the one it names.
        refused(.badCertificate("ant"), try Self.resigned(vote.bytes, ballot, signer: 1), in: ballot.file)
        refused(.badSignature("ant"), try Self.resigned(vote.bytes, ballot, kind: .proposal), in: ballot.file)
        refused(.badSignature("ant"), try Self.resigned(vote.bytes, ballot, network: "other"), in: ballot.file)
        let old = try ballot.set.signer(0, from: Ballot.start - .days(31))
        let expired = try AuthorityProof.sign(
            Array(try Document.parse(vote.bytes).map(\.item).dropLast(2)), kind: .vote, network: "testing", signer: old)
        refused(
            .certificateExpired("ant", from: Ballot.start - .days(31), until: Ballot.start - .days(1)), expired,
            in: ballot.file)
    }

    @Test("parameters that break the time budget are refused, but for a test network")
    func timeBudget() throws {
        for isTest in [false, true] {
            let ballot = try Ballot(1, isTest: isTest)
            func make() throws -> Vote { try ballot.vote(0) { $0.parameters.retryDeadline = .days(3) } }
            if isTest {
                #expect(try make().contents.parameters.retryDeadline == .days(3))
            } else {
                let error = #expect(throws: AuthorityDocumentError.self) { _ = try make() }
                // The line where the parameters begin.
                #expect(error == .document(DocumentError(line: 8, reason: .value)))
            }
        }
    }
}
