// The rules of the slot machine one by one. That they hold together is for SlotSimulationTests.

import Directory
import MixCrypto
import Testing
import WireFormat

@Suite("Slot machine")
struct SlotMachineTests {
    private static let length = Interval.minutes(20)
    /// A slot that authority 0 of 4 leads.
    private static let slot = Slot(1_000_000)
    private static let timing = SlotTiming(slotLength: length)

    private static func time(_ slot: Slot, _ offset: Interval = .zero) -> Timestamp {
        timing.calendar.start(of: slot) + offset
    }

    private static func machine(_ own: Int, _ memory: SlotMemory = SlotMemory()) -> SlotMachine {
        SlotMachine(authorities: 4, own: own, quorum: 3, timing: timing, memory: memory)
    }

    private static func vote(_ authority: Int, _ slot: Slot = slot, _ face: String = "") -> VoteFact {
        VoteFact(authority: authority, slot: slot, digest: .sha256("vote \(authority) \(slot) \(face)"))
    }

    private static func reference(_ authority: Int, _ face: String = "") -> VoteReference {
        VoteReference(authority: authority, digest: vote(authority, slot, face).digest)
    }

    private static func proposal(_ votes: [VoteReference], by leader: Int = 0, _ slot: Slot = slot) -> ProposalFact {
        ProposalFact(authority: leader, slot: slot, digest: .sha256("proposal \(votes)"), votes: votes)
    }

    private static let all = [reference(0), reference(1), reference(2), reference(3)]
    private static let consensus = Digest.sha256("consensus")
    private static let link = ConsensusLink(slot: slot, digest: consensus)

    /// A machine that has all votes.
    private static func voted(_ own: Int) -> SlotMachine {
        var machine = machine(own)
        _ = machine.advance(to: time(slot))
        _ = machine.recorded(vote: vote(own).digest, slot: slot)
        for other in 0..<4 where other != own { _ = machine.receive(vote: vote(other)) }
        return machine
    }

    @Test("a vote is made once, and sent when it is on disk")
    func votes() {
        var machine = Self.machine(1)
        #expect(machine.wakeUp == nil)
        #expect(machine.advance(to: Self.time(Self.slot, .seconds(1))) == [.makeVote(Self.slot)])
        #expect(machine.advance(to: Self.time(Self.slot, .seconds(2))) == [])
        let digest = Self.vote(1).digest
        #expect(machine.recorded(vote: digest, slot: Self.slot) == [.send(.vote, Self.slot, digest)])
        #expect(machine.wakeUp == Self.time(Slot(1_000_001)))
        // After a restart the same one.
        var again = Self.machine(1, machine.memory)
        #expect(again.advance(to: Self.time(Self.slot, .minutes(3))) == [.send(.vote, Self.slot, digest)])
        // And when the clock goes back.
        _ = again.advance(to: Self.time(Slot(1_000_009)))
        #expect(again.advance(to: Self.time(Self.slot)).contains(.send(.vote, Self.slot, digest)))
        #expect(!again.advance(to: Self.time(Self.slot)).contains(.makeVote(Self.slot)))
    }

    @Test("the leader waits for all votes, or a quarter of the slot")
    func proposing() {
        var machine = Self.machine(0)
        _ = machine.advance(to: Self.time(Self.slot))
        #expect(machine.wakeUp == Self.time(Self.slot, .minutes(5)))
        _ = machine.recorded(vote: Self.vote(0).digest, slot: Self.slot)
        _ = machine.receive(vote: Self.vote(1))
        #expect(machine.advance(to: Self.time(Self.slot, .minutes(5))) == [])
        #expect(machine.wakeUp == Self.time(Slot(1_000_001)))
        #expect(machine.receive(vote: Self.vote(3)) == [.propose(Self.slot, [0, 1, 3].map { Self.all[$0] })])
        #expect(machine.receive(vote: Self.vote(2)) == [])

        var quick = Self.machine(0)
        _ = quick.advance(to: Self.time(Self.slot))
        _ = quick.recorded(vote: Self.vote(0).digest, slot: Self.slot)
        for other in 1...2 { #expect(quick.receive(vote: Self.vote(other)) == []) }
        #expect(quick.receive(vote: Self.vote(3)) == [.propose(Self.slot, Self.all)])
    }

    @Test("from proposal to certificate")
    func certifying() {
        var machine = Self.machine(2)
        _ = machine.advance(to: Self.time(Self.slot))
        _ = machine.recorded(vote: Self.vote(2).digest, slot: Self.slot)
        _ = machine.receive(vote: Self.vote(0))
        let proposal = Self.proposal(Self.all)
        #expect(
            machine.receive(proposal: proposal) == [
                .fetchVote(Self.slot, Self.all[1], from: [0, 1]), .fetchVote(Self.slot, Self.all[3], from: [0, 3]),
            ])
        #expect(machine.receive(vote: Self.vote(3)) == [])
        #expect(
            machine.receive(vote: Self.vote(1)) == [
                .compute(Self.slot, proposal: proposal.digest, votes: proposal.votes)
            ])
        #expect(machine.computed(.failure("no previous"), slot: Self.slot, proposal: proposal.digest) == [])
        // What was missing comes, and it is tried again.
        let earlier = ConsensusLink(slot: Slot(999_999), digest: .sha256("earlier"))
        #expect(
            machine.certified(earlier) == [.compute(Self.slot, proposal: proposal.digest, votes: proposal.votes)])
        #expect(
            machine.computed(.consensus(Self.consensus), slot: Self.slot, proposal: proposal.digest) == [
                .recordAndSign(Self.link)
            ])
        #expect(machine.recorded(signature: Self.link) == [.send(.signature, Self.slot, Self.consensus)])
        let signatures = (0..<4).map { SignatureFact(authority: $0, slot: Self.slot, digest: Self.consensus) }
        #expect(machine.receive(signature: signatures[0]) == [])
        #expect(machine.receive(signature: signatures[1]) == [.certified(Self.link)])
        // Nothing stands on it before it is stored.
        #expect(machine.memory.lastCertified == earlier)
        #expect(machine.certified(Self.link) == [])
        #expect(machine.memory.lastCertified == Self.link)
        #expect(machine.receive(signature: signatures[3]) == [.addSignature(Self.link, of: 3)])
        #expect(machine.summaries[1].progress == .certified(Self.consensus))
        // Another one for the slot means that too many lie.
        let other = ConsensusLink(slot: Self.slot, digest: .sha256("other"))
        #expect(machine.certified(other) == [.fork(Self.link, other)])
    }

    @Test("certified by others, it is fetched")
    func certifiedElsewhere() {
        var machine = Self.machine(2)
        _ = machine.advance(to: Self.time(Self.slot))
        for other in [0, 1] {
            _ = machine.receive(
                signature: SignatureFact(authority: other, slot: Self.slot, digest: Self.consensus))
        }
        let last = SignatureFact(authority: 3, slot: Self.slot, digest: Self.consensus)
        #expect(machine.receive(signature: last) == [.fetchConsensus(Self.link, from: [0, 1, 3])])
        #expect(machine.certified(Self.link) == [])
        let next = Slot(1_000_001)
        let actions = machine.advance(to: Self.time(next))
        #expect(actions.contains(.makeVote(next)))
        #expect(!actions.contains { if case .slotFailed = $0 { true } else { false } })
    }

    @Test("no signature when the slot is over, and none for an earlier slot than one that was signed")
    func late() {
        var machine = Self.voted(2)
        let proposal = Self.proposal(Self.all)
        _ = machine.receive(proposal: proposal)
        let actions = machine.advance(to: Self.time(Slot(1_000_001)))
        #expect(actions.contains(.slotFailed(Self.slot, .fewSignatures(have: 0, needed: 3))))
        #expect(machine.computed(.consensus(Self.consensus), slot: Self.slot, proposal: proposal.digest) == [])

        var memory = SlotMemory()
        memory.record(.signature, Slot(1_000_001), .sha256("later"))
        var restarted = Self.machine(2, memory)
        _ = restarted.advance(to: Self.time(Self.slot))
        for voter in 0..<4 { _ = restarted.receive(vote: Self.vote(voter)) }
        _ = restarted.receive(proposal: proposal)
        #expect(restarted.computed(.consensus(Self.consensus), slot: Self.slot, proposal: proposal.digest) == [])
    }

    @Test("a proposal of too few votes, of one authority twice, or of an excluded one is not signed")
    func refusedProposals() {
        let refused: [([VoteReference], ProposalRefusal)] = [
            ([Self.all[0], Self.all[1]], .fewVotes(have: 2, needed: 3)),
            ([Self.all[0], Self.all[1], Self.all[1]], .malformed),
            ([Self.all[0], Self.all[1], VoteReference(authority: 4, digest: Self.consensus)], .malformed),
        ]
        for (votes, reason) in refused {
            var machine = Self.voted(2)
            #expect(machine.receive(proposal: Self.proposal(votes)) == [])
            let actions = machine.advance(to: Self.time(Slot(1_000_001)))
            #expect(actions.contains(.slotFailed(Self.slot, .proposalRefused(reason))))
        }
        var machine = Self.voted(2)
        let evidence = EvidenceFact(kind: .vote, authority: 3, slot: Slot(999_990))
        #expect(machine.receive(evidence: evidence) == [.passOn(evidence)])
        #expect(machine.receive(evidence: evidence) == [])
        #expect(machine.receive(proposal: Self.proposal(Self.all)) == [])
        #expect(machine.summaries[1].progress == .proposed)
        // Without that vote it is.
        var other = Self.voted(2)
        _ = other.receive(evidence: evidence)
        let three = Self.proposal(Array(Self.all[0..<3]))
        #expect(other.receive(proposal: three) == [.compute(Self.slot, proposal: three.digest, votes: three.votes)])
    }

    @Test("two different votes are evidence, and the leader leaves both out")
    func equivocation() {
        var machine = Self.machine(0)
        _ = machine.advance(to: Self.time(Self.slot))
        _ = machine.recorded(vote: Self.vote(0).digest, slot: Self.slot)
        _ = machine.receive(vote: Self.vote(3))
        let (one, two) = (Self.vote(3).digest, Self.vote(3, Self.slot, "other").digest)
        let fact = EvidenceFact(kind: .vote, authority: 3, slot: Self.slot)
        #expect(machine.receive(vote: Self.vote(3, Self.slot, "other")) == [.evidence(fact, one, two)])
        #expect(machine.admit(.vote, of: 3, slot: Self.slot, digest: .sha256("third")) == .refused(.enough))
        _ = machine.receive(vote: Self.vote(1))
        #expect(machine.receive(vote: Self.vote(2)) == [.propose(Self.slot, Array(Self.all[0..<3]))])
        #expect(machine.summaries[1].equivocations == [fact])
        // For 72 slots more.
        #expect(machine.memory.isExcluded(3, Slot(1_000_072)))
        #expect(!machine.memory.isExcluded(3, Slot(1_000_073)))
        #expect(!machine.memory.isExcluded(3, Slot(999_999)))
    }

    @Test("two proposals of a leader are evidence, and neither is signed")
    func lyingLeader() {
        var machine = Self.voted(2)
        let (one, two) = (Self.proposal(Self.all), Self.proposal(Array(Self.all[0..<3])))
        #expect(machine.receive(proposal: one) == [.compute(Self.slot, proposal: one.digest, votes: one.votes)])
        let fact = EvidenceFact(kind: .proposal, authority: 0, slot: Self.slot)
        #expect(machine.receive(proposal: two) == [.evidence(fact, one.digest, two.digest)])
        #expect(machine.computed(.consensus(Self.consensus), slot: Self.slot, proposal: one.digest) == [])
        let actions = machine.advance(to: Self.time(Slot(1_000_001)))
        #expect(actions.contains(.slotFailed(Self.slot, .leaderEquivocated(leader: 0))))
    }

    @Test("only the leader's proposals, and only of the current slot and its neighbours")
    func refusals() {
        var machine = Self.machine(2)
        #expect(machine.receive(vote: Self.vote(1)) == [])
        _ = machine.advance(to: Self.time(Self.slot))
        _ = machine.receive(proposal: Self.proposal(Self.all, by: 1))
        for number in [UInt64(999_998), 1_000_002, .max, 0] { _ = machine.receive(vote: Self.vote(1, Slot(number))) }
        _ = machine.receive(vote: VoteFact(authority: 9, slot: Self.slot, digest: Self.consensus))
        #expect(machine.refused == [.slotAhead: 3, .notLeader: 1, .slotClosed: 2, .unknownAuthority: 1])
        #expect(machine.size == 1)
        // A vote of the next slot is kept until it begins; a proposal is not judged before.
        let next = Slot(1_000_001)
        _ = machine.receive(vote: Self.vote(1, next))
        #expect(machine.receive(proposal: Self.proposal(Self.all, by: 1, next)) == [])
        #expect(machine.advance(to: Self.time(next)).contains { if case .fetchVote = $0 { true } else { false } })
    }

    @Test("evidence of a slot far ahead or long past changes nothing")
    func oldEvidence() {
        var machine = Self.machine(2)
        _ = machine.advance(to: Self.time(Self.slot))
        for number in [UInt64(1_000_002), .max, 999_927, 0] {
            #expect(machine.receive(evidence: EvidenceFact(kind: .vote, authority: 1, slot: Slot(number))) == [])
        }
        #expect(machine.memory.exclusions.isEmpty)
        _ = machine.receive(evidence: EvidenceFact(kind: .vote, authority: 1, slot: Slot(999_928)))
        #expect(machine.memory.isExcluded(1, Self.slot))
        _ = machine.receive(evidence: EvidenceFact(kind: .proposal, authority: 1, slot: Slot(1_000_001)))
        #expect(machine.memory.exclusions == [1: [Slot(999_928)...Slot(1_000_073)]])
    }

    @Test("an own document that is not remembered is kept to")
    func backup() {
        var machine = Self.machine(2)
        _ = machine.advance(to: Self.time(Slot(999_999)))
        // Made by this authority before its disk was replaced by an older one, and sent back by another.
        _ = machine.receive(vote: Self.vote(2))
        _ = machine.receive(signature: SignatureFact(authority: 2, slot: Self.slot, digest: Self.consensus))
        #expect(!machine.advance(to: Self.time(Self.slot)).contains(.makeVote(Self.slot)))
        for voter in 0..<4 { _ = machine.receive(vote: Self.vote(voter)) }
        let proposal = Self.proposal(Self.all)
        _ = machine.receive(proposal: proposal)
        #expect(machine.computed(.consensus(.sha256("other")), slot: Self.slot, proposal: proposal.digest) == [])
    }

    @Test("a clock that once was far ahead does not end the voting")
    func clockFarAhead() {
        var machine = Self.machine(2)
        var made = 0
        for number in [UInt64(9_000_000), 9_000_001] + Array(1_000_000..<1_000_200) {
            let slot = Slot(number)
            for case .makeVote(let asked) in machine.advance(to: Self.time(slot)) {
                made += 1
                _ = machine.recorded(vote: Self.vote(2, asked).digest, slot: asked)
            }
        }
        #expect(made == 202)
        #expect(machine.memory.votes.count == SlotMemory.capacity)
        #expect(machine.memory.forgottenThrough == Slot(1_000_129))
        // Back to a slot that is forgotten: nothing.
        #expect(!machine.advance(to: Self.time(Slot(1_000_100))).contains(.makeVote(Slot(1_000_100))))
    }
}
