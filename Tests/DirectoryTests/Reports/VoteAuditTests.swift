import Directory
import Testing
import WireFormat

@Suite("Audits of votes")
struct VoteAuditTests {
    private let ballot: Ballot
    private let reports: [MeasurementReport]
    private let nodes: [VotedNode]

    init() throws {
        ballot = try Ballot.of(4)
        reports = try (1...2).map {
            try Finding.report($0, [Finding.node(1, 990), Finding.node(2, 700)], links: [Finding.link(1, 2)])
        }
        let verdict = ReportTally.judge(reports, network: "testing", at: Finding.start)
        nodes = try (1...3).map { number in
            let id = NodeID(copying: number)
            return try Ballot.node(number, flags: verdict.unreliable.contains(id) ? [.unreliable] : []) {
                $0.measurement = verdict.measurements[id]
            }
        }
    }

    private func check(
        given: [MeasurementReport]? = nil, change: (inout VoteContents) throws -> Void = { _ in }
    ) throws -> VoteAuditVerdict {
        let vote = try ballot.vote(0, nodes) { contents in
            contents.reports = reports.map(\.digest)
            contents.brokenLinks = [Finding.link(1, 2)]
            try change(&contents)
        }
        return VoteAudit.check(vote, reports: (given ?? reports).map(\.bytes) + [[], [1, 2, 3]], network: ballot.file)
    }

    @Test("a vote that its reports give passes, and so does one without reports and measurements")
    func follows() throws {
        #expect(try check() == .follows)
        #expect(try check(given: reports.reversed() + [Finding.report(3)]) == .follows)
        let bare = try ballot.vote(1, [try Ballot.node(1), try Ballot.node(2, flags: [.bad])])
        #expect(VoteAudit.check(bare, reports: [], network: ballot.file) == .follows)
    }

    @Test("a report that is not there is named")
    func missing() throws {
        let verdict = try check(given: [reports[0]])
        #expect(verdict == .missingReport(reports[1].digest))
        #expect(verdict.description == "the report \(reports[1].digest.hex) is missing")
    }

    @Test("a vote that says something else than its reports is found out, with what differs")
    func lies() throws {
        let better = try check { $0.nodes[1].measurement?.reliability = 1000 }
        #expect(
            better.description
                == "of node node2 it says `reliability=1000 latency=30 samples=200 Unreliable`, and the reports that it names "
                + "give `reliability=700 latency=30 samples=200 Unreliable`")
        let spared = try check { $0.nodes[1].flags = [] }
        #expect(spared.description.contains("give `reliability=700 latency=30 samples=200 Unreliable`"))
        let blamed = try check { $0.nodes[2].flags = [.unreliable] }
        #expect(blamed.description.contains("of node node3 it says `unmeasured Unreliable`"))
        #expect(blamed.description.hasSuffix("give `unmeasured`"))
        let silent = try check { $0.nodes[0].measurement = nil }
        #expect(silent.description.contains("of node node1 it says `unmeasured`"))
        let free = try check { $0.brokenLinks = [] }
        #expect(free.description.hasSuffix("it says `nothing`, and the reports that it names give `broken`"))
        let broken = try check { $0.brokenLinks.append(Finding.link(2, 1)) }
        #expect(broken.description.hasSuffix("it says `broken`, and the reports that it names give `nothing`"))
        // Measurements out of nowhere.
        let invented = try check { $0.reports = [] }
        #expect(invented.description.hasSuffix("give `unmeasured`"))
        // The report of one pinger left out, though the other is named: what is given rests on that one alone.
        #expect(try check { $0.reports.removeLast() } == .follows)
    }

    @Test("a report that does not count in the slot is not to be named")
    func unused() throws {
        let old = try Finding.report(3, published: Finding.start - .hours(7))
        let verdict = try check(given: reports + [old]) { $0.reports.append(old.digest) }
        #expect(verdict == .unusedReport(old.digest, .tooOld))
        #expect(verdict.description == "it names a report that is too old, \(old.digest.hex)")
        let foreign = try MeasurementReport.make(
            Finding.contents(3), network: AuthoritySet(4, network: "other").file, key: Finding.key(3))
        let bad = try check(given: reports + [foreign]) { $0.reports.append(foreign.digest) }
        #expect(bad == .badReport(foreign.digest, "the report belongs to another network, other"))
    }
}
