import Directory
import TestSupport
import Testing
import WireFormat

/// The rules of the tally, each at its edge.
@Suite("Tally")
struct TallyTests {
    @Test("a node and a flag need more than half of all authorities, whoever votes", arguments: 1...9)
    func majority(count: Int) throws {
        let ballot = try Ballot.of(count)
        let needed = count / 2 + 1
        let node = try Ballot.node(1)
        let choice = try ballot.choice { try ballot.vote($0, $1 ? [node] : []) }
        for lists in 0...count {
            let isListed = try !ballot.tally(choice.votes(lists)).nodes.isEmpty
            #expect(isListed == (lists >= needed), "\(lists) of \(count)")
        }
        // With a bare quorum of votes the threshold is the same: a node that more than half of those who voted list is
        // not listed if they are not more than half of all.
        let quorum = ballot.file.quorum
        for lists in 0...quorum {
            let isListed = try !ballot.tally(Array(choice.votes(lists).prefix(quorum))).nodes.isEmpty
            #expect(isListed == (lists >= needed), "\(lists) of \(quorum) votes")
        }
        let bad = try ballot.choice {
            try ballot.vote($0, [Ballot.node(1, flags: $1 ? [.running, .bad] : [.running])])
        }
        for flags in 0...count {
            let node = try #require(try ballot.tally(bad.votes(flags)).nodes.first)
            #expect(node.flags.contains(.bad) == (flags >= needed), "\(flags) of \(count)")
            #expect(node.flags.contains(.running))
        }
    }

    @Test("an authority's own vote counts like any other", arguments: [1, 2, 3])
    func ownVote(count: Int) throws {
        // In the smallest sets the quorum is met, and the node listed, only if one's own vote is among those counted.
        let ballot = try Ballot.of(count)
        let votes = try ballot.votes { _ in [try Ballot.node(1)] }
        let quorum = ballot.file.quorum
        #expect(try ballot.tally(Array(votes.suffix(quorum))).nodes.count == 1)
        #expect(throws: TallyError.notEnoughVotes(have: quorum - 1, needed: quorum)) {
            try ballot.tally(Array(votes.suffix(quorum - 1)))
        }
    }

    @Test("the latest descriptor that more than f authorities name", arguments: 1...9)
    func descriptor(count: Int) throws {
        let ballot = try Ballot.of(count)
        let needed = ballot.file.faults + 1
        let older = try Ballot.node(1)
        let newer = try Ballot.node(1) {
            $0.descriptor = Ballot.digest("newer")
            $0.published = Ballot.start - .hours(1)
        }
        let choice = try ballot.choice { try ballot.vote($0, [$1 ? newer : older]) }
        for have in 0...count {
            let chosen = try ballot.tally(choice.votes(have)).nodes.first?.descriptor
            if have >= needed {
                #expect(chosen == newer.descriptor, "\(have) of \(count)")
            } else {
                #expect(chosen == older.descriptor, "\(have) of \(count)")
            }
        }
    }

    @Test(
        "of equally old descriptors the one with the smallest digest; without one that enough name the node is left out"
    )
    func descriptorTies() throws {
        let ballot = try Ballot.of(4)
        let digests = ["a", "b", "c", "d"].map(Ballot.digest).sorted()
        let two = try ballot.votes { index in
            [try Ballot.node(1) { $0.descriptor = digests[index < 2 ? 3 : 1] }]
        }
        #expect(try ballot.tally(two).nodes.map(\.descriptor) == [digests[1]])
        let four = try ballot.votes { index in [try Ballot.node(1) { $0.descriptor = digests[index] }] }
        #expect(try ballot.tally(four).nodes.isEmpty)
        // A digest with a false date, or a false name, is another claim: it does not move the true one.
        let lie = try ballot.votes { index in
            [
                try Ballot.node(1) { node in
                    if index == 0 { node.published = Ballot.start + .days(1) }
                    if index == 1, let name = Nickname("other") { node.nickname = name }
                }
            ]
        }
        #expect(try ballot.tally(lie).nodes.map(\.nickname.text) == ["node1"])
    }

    @Test("one nickname, one node: listed by most, then the smaller id; case does not matter")
    func nicknames() throws {
        let ballot = try Ballot.of(5)
        func node(_ number: Int, _ name: String) throws -> VotedNode {
            let nickname = try #require(Nickname(name))
            return try Ballot.node(number) { $0.nickname = nickname }
        }
        let even = try ballot.votes { _ in [try node(1, "Same"), try node(2, "sAME"), try node(3, "other")] }
        #expect(try ballot.tally(even).nodes.map(\.id) == [NodeID(copying: 1), NodeID(copying: 3)])
        let uneven = try ballot.votes { $0 < 3 ? [try node(1, "same"), try node(2, "same")] : [try node(2, "same")] }
        #expect(try ballot.tally(uneven).nodes.map(\.id) == [NodeID(copying: 2)])
        // One that is not listed takes no name.
        let few = try ballot.votes { $0 < 2 ? [try node(1, "same"), try node(2, "same")] : [try node(2, "same")] }
        #expect(try ballot.tally(few).nodes.map(\.id) == [NodeID(copying: 2)])
    }

    @Test("the newest previous consensus that more than f authorities name, and two", arguments: 1...9)
    func previous(count: Int) throws {
        let ballot = try Ballot.of(count)
        let older = ConsensusLink(slot: try #require(ballot.slot.advanced(by: -5)), digest: Ballot.digest("older"))
        let newer = ConsensusLink(slot: try #require(ballot.slot.advanced(by: -1)), digest: Ballot.digest("newer"))
        let choice = try ballot.choice { index, isYes in
            try ballot.vote(index) { $0.previous = isYes ? newer : older }
        }
        for have in 0...count {
            let needed = max(ballot.file.faults + 1, min(2, count))
            let expected = have >= needed ? newer : count - have >= needed ? older : nil
            #expect(try ballot.tally(choice.votes(have)).previous == expected, "\(have) of \(count)")
        }
        #expect(try ballot.tally(ballot.votes { _ in [] }).previous == nil)
    }

    @Test("parameters are low medians")
    func parameters() throws {
        let ballot = try Ballot.of(4)
        let delays: [Int64] = [300, 60, 240, 120]
        let votes = try (0..<4).map { index in
            try ballot.vote(index) {
                $0.parameters.meanDelay = .seconds(delays[index])
                $0.parameters.hops = index == 0 ? 3 : 5
            }
        }
        let consensus = try ballot.tally(votes)
        #expect(consensus.parameters.meanDelay == .seconds(120))
        #expect(consensus.parameters.hops == 5)
        #expect(try ballot.tally(Array(votes.prefix(3))).parameters.meanDelay == .seconds(240))
    }

    @Test("medians of parameters that keep the time budget keep it", arguments: [2, 3, 4, 9])
    func timeBudget(count: Int) throws {
        var generator = SeededRandom(name: "time budget \(count)")
        let ballot = try Ballot.of(count)
        for _ in 0..<4 {
            let votes = try (0..<count).map { index in
                // As near to the budget as can be: 5 x (cap + retry) is an hour less than 14 days.
                let cap = Int64.random(in: 0...24, using: &generator)
                return try ballot.vote(index) {
                    $0.parameters.delayCap = .hours(cap)
                    $0.parameters.retryDeadline = .hours(67 - cap)
                }
            }
            #expect(try ballot.tally(votes).parameters.isWithinTimeBudget)
        }
    }

    @Test(
        "a node's measurements are low medians of three or more, and of more honest ones than may lie, else it is Unmeasured",
        arguments: 1...9)
    func measurements(count: Int) throws {
        let ballot = try Ballot.of(count)
        let needed = max(min(3, count), 2 * ballot.file.faults + 1)
        let choice = try ballot.choice { index, isYes in
            let node = try Ballot.node(1) { node in
                guard isYes else { return }
                node.measurement = NodeMeasurement(
                    reliability: 900 + 10 * index, latency: .seconds(Int64(100 - index)), samples: 50)
            }
            return try ballot.vote(index, [node])
        }
        for measured in 0...count {
            let node = try #require(try ballot.tally(choice.votes(measured)).nodes.first)
            #expect(node.flags.contains(.unmeasured) == (measured < needed), "\(measured) of \(count)")
            if measured < needed {
                #expect(node.reliability == nil && node.latency == nil)
            } else {
                #expect(node.reliability == 900 + 10 * ((measured - 1) / 2))
                #expect(node.latency == .seconds(Int64(100 - measured / 2)), "\(measured) of \(count)")
            }
        }
    }

    @Test("a latency that too few could tell is left out")
    func latency() throws {
        let ballot = try Ballot.of(4)
        let votes = try ballot.votes { index in
            [
                try Ballot.node(1) {
                    $0.measurement = NodeMeasurement(
                        reliability: 1, latency: index < 2 ? .seconds(5) : nil, samples: 50)
                }
            ]
        }
        let node = try #require(try ballot.tally(votes).nodes.first)
        #expect(node.reliability == 1)
        #expect(node.latency == nil)
        #expect(!node.flags.contains(.unmeasured))
    }

    @Test("a link is broken if two authorities and a third of all say so", arguments: 1...9)
    func brokenLinks(count: Int) throws {
        let ballot = try Ballot.of(count)
        let needed = max(min(2, count), (count + 2) / 3)
        #expect(needed > ballot.file.faults)
        let nodes = try (1...3).map { try Ballot.node($0) }
        let link = NodeLink(from: nodes[0].id, to: nodes[1].id)
        let stray = NodeLink(from: nodes[0].id, to: NodeID(copying: 77))
        let choice = try ballot.choice { index, isYes in
            try ballot.vote(index, nodes) { if isYes { $0.brokenLinks = [link, stray] } }
        }
        for say in 0...count {
            #expect(
                try ballot.tally(choice.votes(say)).brokenLinks == (say >= needed ? [link] : []), "\(say) of \(count)")
        }
    }

    @Test("a node is as old as the low median says, and grows into its weight")
    func age() throws {
        let ballot = try Ballot.of(4)
        func weight(_ days: [Int64], reliability: Int? = 1000) throws -> Int {
            let votes = try ballot.votes { index in
                [
                    try Ballot.node(1) { node in
                        node.since = Ballot.start - .days(days[index])
                        node.measurement = reliability.map {
                            NodeMeasurement(reliability: $0, latency: nil, samples: 9)
                        }
                    }
                ]
            }
            return try #require(try ballot.tally(votes).nodes.first).weight
        }
        #expect(try weight([0, 0, 0, 0]) == 10)
        #expect(try weight([7, 7, 7, 7]) == 55)
        #expect(try weight([14, 14, 14, 14]) == 100)
        #expect(try weight([900, 14, 14, 14]) == 100)
        // Of four dates the second oldest.
        #expect(try weight([0, 14, 7, 0]) == 55)
        // A date in the future is no age.
        #expect(try weight([-5, -5, -5, -5]) == 10)
        // Good is good enough; the rest falls to the least, but never to nothing.
        #expect(try [980, 990, 1000].map { try weight([20, 20, 20, 20], reliability: $0) } == [100, 100, 100])
        #expect(try weight([20, 20, 20, 20], reliability: 740) == 50)
        #expect(try [500, 499, 0].map { try weight([20, 20, 20, 20], reliability: $0) } == [1, 1, 1])
        #expect(try weight([20, 20, 20, 20], reliability: nil) == 50)
        #expect(try weight([0, 0, 0, 0], reliability: nil) == 5)
        #expect(try weight([0, 0, 0, 0], reliability: 0) == 1)
    }

    @Test("a node's age counts only if so many tell it that liars cannot choose it", arguments: 1...9)
    func ageOfFew(count: Int) throws {
        let ballot = try Ballot.of(count)
        let node = try Ballot.node(1)
        let choice = try ballot.choice { try ballot.vote($0, $1 ? [node] : []) }
        let needed = max(count / 2 + 1, 2 * ballot.file.faults + 1)
        for lists in (count / 2 + 1)...count {
            let found = try #require(try ballot.tally(choice.votes(lists)).nodes.first)
            // Unmeasured counts half; new is a tenth of it.
            #expect(found.weight == (lists >= needed ? 50 : 5), "\(lists) of \(count)")
        }
    }

    @Test("votes that do not belong together are refused")
    func errors() throws {
        let ballot = try Ballot.of(4)
        let votes = try ballot.votes { _ in [] }
        func refused(_ error: TallyError, _ message: String, _ votes: [Vote]) {
            let thrown = #expect(throws: TallyError.self) { try ballot.tally(votes) }
            #expect(thrown == error)
            #expect(thrown?.description == message)
        }
        refused(
            .notEnoughVotes(have: 2, needed: 3), "there are 2 votes, but 3 are needed for a consensus",
            Array(votes.prefix(2)))
        refused(.notEnoughVotes(have: 0, needed: 3), "there are 0 votes, but 3 are needed for a consensus", [])
        refused(.repeatedAuthority("ant"), "there are two votes of authority ant", votes + [votes[0]])
        let other = try ballot.vote(0) { $0.reports = [Ballot.digest("x")] }
        refused(.repeatedAuthority("ant"), "there are two votes of authority ant", votes + [other])
        let late = try ballot.vote(0) { $0.slot = try #require(ballot.slot.advanced(by: 1)) }
        refused(
            .wrongSlot("ant", late.contents.slot),
            "the vote of authority ant is for another slot, \(late.contents.slot)",
            votes.dropFirst() + [late])
        let foreign = try Ballot.of(5).vote(0)
        refused(
            .otherNetwork("ant"), "the vote of authority ant was made for another network file",
            votes.dropFirst() + [foreign])
    }
}
