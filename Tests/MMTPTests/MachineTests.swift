// The two connection machines against each other, without a network.

import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct MachineTests {
    /// Feeds `bytes` in pieces to a listener's machine that accepts everything, answering each packet at once.
    static func feed(
        _ bytes: [UInt8], to machine: inout ListenerConnectionMachine, pieces: () -> Int,
        answers: (UInt32, [UInt8]) -> Answer? = { _, _ in .received }
    ) -> (bodies: [[UInt8]], violation: LinkViolation?) {
        var bodies: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let piece = Array(bytes[offset..<min(bytes.count, offset + pieces())])
            offset += piece.count
            let violation: LinkViolation? = piece.withUnsafeBytes { buffer in
                var input = buffer
                while true {
                    switch machine.receive(&input) {
                    case .needMoreBytes: return nil
                    case .frameBegins: machine.accept()
                    case .packet(let number, let body), .ask(_, let number, let body):
                        bodies.append(body)
                        if let answer = answers(number, body) {
                            machine.answer(number: number, answer, digest: .sha256(body))
                        }
                    case .padding, .refused: break
                    case .violation(let violation): return violation
                    }
                }
            }
            if let violation { return (bodies, violation) }
        }
        return (bodies, nil)
    }

    static func feed(_ bytes: [UInt8], to machine: inout DialerConnectionMachine) -> [DialerConnectionMachine.Step] {
        bytes.withUnsafeBytes { buffer in
            var input = buffer
            var steps: [DialerConnectionMachine.Step] = []
            while true {
                let step = machine.receive(&input)
                if step == .needMoreBytes { return steps }
                steps.append(step)
                if case .violation = step { return steps }
            }
        }
    }

    static func takeAnswers(_ machine: inout ListenerConnectionMachine) -> [UInt8] {
        var bytes: [UInt8] = []
        while let answer = machine.nextAnswerBytes() { bytes += answer }
        return bytes
    }

    @Test func framesAndAnswersHaveTheSpecifiedSizes() {
        #expect(LinkFrame.size == 32_772)
        #expect(LinkFrame.recordSize * LinkFrame.recordsPerFrame == LinkFrame.size)
        let digest = Digest.sha256([1, 2, 3])
        let bytes = AnswerFrame(.rejected(.unknownPeriod), number: 0x0102_0304, digest: digest).bytes
        #expect(bytes == [2, 3, 0, 0, 1, 2, 3, 4] + digest.bytes)
        #expect(AnswerFrame(.received, number: 7, digest: digest).bytes == [1, 0, 0, 0, 0, 0, 0, 7] + digest.bytes)
    }

    @Test func everyAnswerSurvivesItsEncoding() {
        let all: [Answer] = [.received] + RejectReason.allCases.map { .rejected($0) }
        for answer in all {
            let frame = AnswerFrame(answer, number: .max, digest: .sha256("x"))
            #expect(frame.bytes.withUnsafeBytes { AnswerFrame($0) } == frame)
        }
    }

    @Test(
        arguments: [
            [0, 0, 0, 0], [3, 0, 0, 0], [1, 1, 0, 0], [2, 0, 0, 0], [2, 7, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1],
        ] as [[UInt8]])
    func otherAnswersAreMalformed(head: [UInt8]) {
        var dialer = DialerConnectionMachine()
        let number = dialer.send(digest: .sha256("x"))
        let bytes = head + [0, 0, 0, UInt8(number)] + Digest.sha256("x").bytes
        #expect(Self.feed(bytes, to: &dialer) == [.violation(.malformed)])
        #expect(dialer.room == 0)
    }

    /// Any fragmentation and any order of completion give the same frames, and answers in order.
    @Test func randomConversationsBalance() {
        var rng = SeededRandom(name: "randomConversationsBalance")
        for _ in 0..<6 {
            var dialer = DialerConnectionMachine()
            var listener = ListenerConnectionMachine()
            var sent: [Digest] = []
            var acknowledged: [UInt32] = []
            var waiting: [(UInt32, Digest)] = []
            var frames = 0
            while frames < 90 || dialer.unanswered > 0 {
                if frames < 90, dialer.room > 0, Bool.random(using: &rng) {
                    let body = rng.bytes(LinkFrame.bodySize)
                    sent.append(.sha256(body))
                    #expect(dialer.send(digest: .sha256(body)) == UInt32(frames))
                    frames += 1
                    let result = Self.feed(
                        frame(1, body), to: &listener, pieces: { Int.random(in: 1...20_000, using: &rng) },
                        answers: { number, body in
                            waiting.append((number, .sha256(body)))
                            return nil
                        })
                    #expect(result.bodies == [body])
                    #expect(result.violation == nil)
                } else if !waiting.isEmpty {
                    let (number, digest) = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &rng))
                    let answer = RejectReason(rawValue: UInt8.random(in: 0...6, using: &rng)).map {
                        Answer.rejected($0)
                    }
                    let isFirst = listener.answer(number: number, answer ?? .received, digest: digest)
                    let isSecond = listener.answer(number: number, .received, digest: digest)
                    #expect(isFirst && !isSecond, "a second answer is ignored")
                }
                #expect(listener.unanswered <= LinkFrame.window && dialer.unanswered <= LinkFrame.window)
                for byte in Self.takeAnswers(&listener) {
                    for step in Self.feed([byte], to: &dialer) {
                        guard case .answered(let number, _) = step else {
                            Issue.record("\(step)")
                            return
                        }
                        acknowledged.append(number)
                    }
                }
            }
            #expect(acknowledged == (0..<90).map(UInt32.init))
            #expect(sent.count == 90)
        }
    }

    /// Whatever the byte at which a connection ends, each frame is either acknowledged or given back, and what is
    /// acknowledged has been received.
    @Test func aCloseAtAnyByteLosesNothing() {
        var rng = SeededRandom(name: "aCloseAtAnyByteLosesNothing")
        let bodies = randomBodies(2, using: &rng)
        var dialer = DialerConnectionMachine()
        for body in bodies { _ = dialer.send(digest: .sha256(body)) }
        var listener = ListenerConnectionMachine()
        var received = 0
        var acknowledged = 0
        for byte in frame(1, bodies[0]) + frame(1, bodies[1]) {
            received += Self.feed([byte], to: &listener, pieces: { 1 }).bodies.count
            for answerByte in Self.takeAnswers(&listener) {
                acknowledged += Self.feed([answerByte], to: &dialer).count
                var ended = dialer
                let unanswered = ended.close()
                if unanswered != (acknowledged..<2).map({ UInt32($0) }) { Issue.record("lost after an answer's byte") }
                if ended.room != 0 { Issue.record("a closed connection has no room") }
            }
            if acknowledged > received { Issue.record("acknowledged before it was received") }
            var ended = dialer
            if ended.close().count + acknowledged != 2 { Issue.record("lost after a frame's byte") }
        }
        #expect(received == 2 && acknowledged == 2)
    }

    @Test func wrongAnswersAreViolations() {
        let digests = [Digest.sha256("a"), Digest.sha256("b")]
        func dialer() -> DialerConnectionMachine {
            var machine = DialerConnectionMachine()
            for digest in digests { _ = machine.send(digest: digest) }
            return machine
        }
        var machine = dialer()
        #expect(
            Self.feed(AnswerFrame(.received, number: 1, digest: digests[1]).bytes, to: &machine) == [
                .violation(.wrongNumber)
            ])
        #expect(machine.close() == [0, 1])
        machine = dialer()
        #expect(
            Self.feed(AnswerFrame(.received, number: 0, digest: digests[1]).bytes, to: &machine) == [
                .violation(.wrongDigest)
            ])
        machine = dialer()
        let good = (0..<2).flatMap { AnswerFrame(.received, number: UInt32($0), digest: digests[$0]).bytes }
        let steps = Self.feed(good + AnswerFrame(.received, number: 2, digest: digests[0]).bytes, to: &machine)
        #expect(steps == [.answered(number: 0, .received), .answered(number: 1, .received), .violation(.unasked)])
        #expect(machine.close() == [])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0], LinkViolation.unknownType), ([5, 0, 0, 0], .unknownType), ([1, 1, 0, 0], .reservedBitsSet),
            ([1, 0, 1, 0], .reservedBitsSet), ([2, 0, 0, 1], .reservedBitsSet),
        ] as [([UInt8], LinkViolation)])
    func malformedHeadersEndTheConnection(head: [UInt8], violation: LinkViolation) {
        var machine = ListenerConnectionMachine()
        #expect(Self.feed(head, to: &machine, pieces: { 1 }).violation == violation)
        #expect(Self.feed([1], to: &machine, pieces: { 1 }).violation == violation, "it stays broken")
    }

    @Test(arguments: [UInt8(3), 4]) func typesThatAreNotServedAreAnsweredMalformed(type: UInt8) {
        var machine = ListenerConnectionMachine()
        let body = [UInt8](repeating: type, count: LinkFrame.bodySize)
        let result = Self.feed(frame(type, body), to: &machine, pieces: { 5000 })
        #expect(result.bodies.isEmpty && result.violation == nil)
        let answer = AnswerFrame(.rejected(.malformed), number: 0, digest: .sha256(body))
        #expect(machine.nextAnswerBytes() == answer.bytes + [UInt8](repeating: 0, count: LinkFrame.bodySize))
        #expect(Self.feed(frame(1, body), to: &machine, pieces: { 5000 }).bodies.count == 1, "the connection goes on")
    }

    @Test func paddingIsAnsweredInItsTurn() {
        var machine = ListenerConnectionMachine()
        let body = [UInt8](repeating: 9, count: LinkFrame.bodySize)
        _ = Self.feed(frame(1, body) + frame(2, body), to: &machine, pieces: { 40_000 }, answers: { _, _ in nil })
        #expect(machine.nextAnswer() == nil, "the packet before it is not answered yet")
        machine.answer(number: 0, .rejected(.full), digest: .sha256(body))
        #expect(machine.nextAnswer()?.frame == AnswerFrame(.rejected(.full), number: 0, digest: .sha256(body)))
        #expect(machine.nextAnswer()?.frame == AnswerFrame(.received, number: 1, digest: .sha256(body)))
    }

    @Test func theSixtyFifthFrameIsAViolation() {
        var machine = ListenerConnectionMachine()
        let body = [UInt8](repeating: 0, count: LinkFrame.bodySize)
        for _ in 0..<64 {
            #expect(machine.hasRoom)
            _ = Self.feed(frame(1, body), to: &machine, pieces: { 40_000 }, answers: { _, _ in nil })
        }
        #expect(!machine.hasRoom)
        #expect(Self.feed(frame(2, body), to: &machine, pieces: { 40_000 }).violation == .windowExceeded)
    }

    @Test func aStoppingMachineRefusesAndDrains() {
        var machine = ListenerConnectionMachine()
        let body = [UInt8](repeating: 0, count: LinkFrame.bodySize)
        _ = Self.feed(frame(1, body), to: &machine, pieces: { 40_000 }, answers: { _, _ in nil })
        machine.stop()
        #expect(Self.feed(frame(1, body), to: &machine, pieces: { 40_000 }).bodies.isEmpty)
        #expect(!machine.isDrained)
        machine.answer(number: 0, .received, digest: .sha256(body))
        #expect(machine.nextAnswer()?.frame.answer == .received)
        #expect(machine.nextAnswer()?.frame.answer == .rejected(.shuttingDown))
        #expect(machine.isDrained)
    }

    @Test(arguments: [(1, 5, 0), (8, 0, 0), (8, 1, 7), (8, 8, 0), (8, 9, 7)]) func padding(
        multiple: Int, sent: Int, added: Int
    ) {
        #expect(PaddingPolicy(multiple: multiple).frames(after: sent) == added)
    }
}
