// What a slot machine does when its shell cannot do what it was asked for.

import Directory
import MixCrypto
import Testing
import WireFormat

@Suite("Slot machine, failures")
struct SlotFailureTests {
    private static let length = Interval.minutes(20)
    /// A slot that authority 0 of 3 leads.
    private static let slot = Slot(999_999)
    private static let timing = SlotTiming(slotLength: length)

    private static func time(_ slot: Slot, _ offset: Interval = .zero) -> Timestamp {
        timing.calendar.start(of: slot) + offset
    }

    private static func machine(_ own: Int) -> SlotMachine {
        var machine = SlotMachine(authorities: 3, own: own, quorum: 2, timing: timing, memory: SlotMemory())
        _ = machine.advance(to: time(slot))
        return machine
    }

    private static let references = (0..<3).map { VoteReference(authority: $0, digest: .sha256("vote \($0)")) }
    private static let proposal = ProposalFact(
        authority: 0, slot: slot, digest: .sha256("proposal"), votes: references)
    private static let link = ConsensusLink(slot: slot, digest: .sha256("consensus"))

    private static func fact(_ authority: Int) -> VoteFact {
        VoteFact(authority: authority, slot: slot, digest: references[authority].digest)
    }

    @Test("a vote that could not be recorded is asked for again, while the slot lasts")
    func voteFails() {
        var machine = Self.machine(1)
        #expect(machine.failed(.vote, slot: Self.slot) == [.makeVote(Self.slot)])
        let digest = Self.references[1].digest
        #expect(machine.recorded(vote: digest, slot: Self.slot) == [.send(.vote, Self.slot, digest)])
        // Not after one is recorded, and not when the slot is over.
        #expect(machine.failed(.vote, slot: Self.slot) == [])
        let next = Slot(1_000_000)
        _ = machine.advance(to: Self.time(next))
        _ = machine.advance(to: Self.time(Slot(1_000_001)))
        #expect(machine.failed(.vote, slot: next) == [])
    }

    @Test("a proposal and a signature that could not be recorded are asked for again")
    func othersFail() {
        var machine = Self.machine(0)
        _ = machine.recorded(vote: Self.references[0].digest, slot: Self.slot)
        _ = machine.receive(vote: Self.fact(1))
        #expect(machine.receive(vote: Self.fact(2)) == [.propose(Self.slot, Self.references)])
        #expect(machine.advance(to: Self.time(Self.slot, .minutes(6))) == [])
        #expect(machine.failed(.proposal, slot: Self.slot) == [.propose(Self.slot, Self.references)])
        _ = machine.recorded(proposal: Self.proposal.digest, votes: Self.references, slot: Self.slot)
        let sign = SlotAction.recordAndSign(Self.link)
        #expect(
            machine.computed(.consensus(Self.link.digest), slot: Self.slot, proposal: Self.proposal.digest) == [sign])
        #expect(machine.advance(to: Self.time(Self.slot, .minutes(7))) == [])
        #expect(machine.failed(.signature, slot: Self.slot) == [sign])
        _ = machine.recorded(signature: Self.link)
        #expect(machine.failed(.signature, slot: Self.slot) == [])
    }

    @Test("a consensus is certified when it is stored, and asked for until then")
    func assemblingFails() {
        var machine = Self.machine(1)
        for index in 0..<3 { _ = machine.receive(vote: Self.fact(index)) }
        _ = machine.receive(proposal: Self.proposal)
        _ = machine.computed(.consensus(Self.link.digest), slot: Self.slot, proposal: Self.proposal.digest)
        for other in [0, 2] {
            let fact = SignatureFact(authority: other, slot: Self.slot, digest: Self.link.digest)
            let expected: [SlotAction] = other == 2 ? [.certified(Self.link)] : []
            #expect(machine.receive(signature: fact) == expected)
        }
        #expect(machine.memory.lastCertified == nil)
        #expect(machine.advance(to: Self.time(Self.slot, .minutes(8))) == [])
        #expect(machine.failed(assembling: Self.link) == [.certified(Self.link)])
        #expect(machine.certified(Self.link) == [])
        #expect(machine.memory.lastCertified == Self.link)
        #expect(machine.failed(assembling: Self.link) == [])
    }

    @Test("a second certified consensus does not start computing again")
    func forkedPrevious() {
        var machine = Self.machine(1)
        let held = ConsensusLink(slot: Slot(999_998), digest: .sha256("held"))
        let other = ConsensusLink(slot: Slot(999_998), digest: .sha256("other"))
        _ = machine.certified(held)
        for index in 0..<3 { _ = machine.receive(vote: Self.fact(index)) }
        _ = machine.receive(proposal: Self.proposal)
        _ = machine.computed(.failure("stands on the other"), slot: Self.slot, proposal: Self.proposal.digest)
        #expect(machine.certified(other) == [.fork(held, other)])
    }

    @Test("what evidence excludes does not depend on its order")
    func evidenceInAnyOrder() {
        let slots = [100, 150, 173, 300, 90, 500, 240].map { Slot($0) }
        let expected = [Slot(90)...Slot(312), Slot(300)...Slot(372), Slot(500)...Slot(572)]
        var found: Set<[ClosedRange<Slot>]> = []
        for turn in slots.indices {
            let pieces = (slots[turn...] + slots[..<turn]).map { (authority: 2, slot: $0) }
            let memory = SlotMemory(
                votes: [:], proposals: [:], signatures: [:], highestSigned: nil, forgottenThrough: nil,
                lastCertified: nil, evidence: pieces)
            found.insert(memory.exclusions[2] ?? [])
            for slot in [Slot(90), Slot(311), Slot(350), Slot(572)] { #expect(memory.isExcluded(2, slot)) }
            for slot in [Slot(89), Slot(373), Slot(499), Slot(573)] { #expect(!memory.isExcluded(2, slot)) }
        }
        #expect(found == [[expected[0].lowerBound...expected[1].upperBound, expected[2]]])
    }
}
