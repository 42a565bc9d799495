// Frames that ask for a block, between the two machines, without a network.

import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import MMTP

@Suite struct AskMachineTests {
    static let body = [UInt8](repeating: 3, count: LinkFrame.bodySize)
    static let zeros = [UInt8](repeating: 0, count: LinkFrame.bodySize)

    private struct Asked {
        var type: UInt8
        var number: UInt32
        var body: [UInt8]
    }

    /// Feeds `bytes` in pieces to a machine; what was asked, unanswered.
    private static func feed(
        _ bytes: [UInt8], to machine: inout ListenerConnectionMachine, pieces: () -> Int
    ) -> (asked: [Asked], violation: LinkViolation?) {
        var asked: [Asked] = []
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
                    case .packet(let number, let body):
                        asked.append(Asked(type: FrameType.packet.rawValue, number: number, body: body))
                    case .ask(let type, let number, let body):
                        asked.append(Asked(type: type.rawValue, number: number, body: body))
                    case .padding, .refused: break
                    case .violation(let violation): return violation
                    }
                }
            }
            if let violation { return (asked, violation) }
        }
        return (asked, nil)
    }

    /// Packets and questions in random order, answered in random order, through random pieces: every answer comes in
    /// order and every block behind its own answer.
    @Test func theMachineAgainstItself() {
        var rng = SeededRandom(name: "askMachineAgainstItself")
        for _ in 0..<4 {
            var dialer = DialerConnectionMachine()
            var listener = ListenerConnectionMachine(answersAsks: true)
            var expected: [DialerConnectionMachine.Step] = []
            var waiting: [(asked: Asked, answer: Answer, block: [UInt8]?)] = []
            var seen: [DialerConnectionMachine.Step] = []
            var toDialer: [UInt8] = []
            while expected.count < 60 || seen.count < expected.count {
                if expected.count < 60, dialer.room > 0, Bool.random(using: &rng) {
                    var type = UInt8([1, 1, 2, 3, 4].randomElement(using: &rng) ?? 1)
                    if type > 2, dialer.roomForAsks == 0 { type = 1 }
                    let body = rng.bytes(LinkFrame.bodySize)
                    let number = dialer.send(digest: .sha256(body), asksForBlock: type > 2)
                    let isRefused = type != 2 && Int.random(in: 0..<4, using: &rng) == 0
                    let answer = isRefused ? Answer.rejected(.full) : .received
                    let block = type > 2 ? (isRefused ? Self.zeros : rng.bytes(LinkFrame.bodySize)) : nil
                    expected.append(
                        block.map { .answeredWithBlock(number: number, answer, block: $0) }
                            ?? .answered(number: number, answer))
                    let fed = Self.feed(
                        frame(type, body), to: &listener, pieces: { Int.random(in: 1...20_000, using: &rng) })
                    #expect(fed.violation == nil)
                    for asked in fed.asked {
                        #expect(asked.body == body && asked.number == number && asked.type == type)
                        waiting.append((asked, answer, isRefused ? nil : block))
                    }
                } else if !waiting.isEmpty {
                    let next = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &rng))
                    let digest = Digest.sha256(next.asked.body)
                    let block = next.block.map { HeldBlock(bytes: $0, place: nil) }
                    let isFirst = listener.answer(number: next.asked.number, next.answer, digest: digest, block: block)
                    let isSecond = listener.answer(number: next.asked.number, .received, digest: digest)
                    #expect(isFirst && !isSecond)
                }
                #expect(listener.unansweredAsks <= LinkFrame.askWindow)
                while let bytes = listener.nextAnswerBytes() { toDialer += bytes }
                let piece = Array(toDialer.prefix(Int.random(in: 0...30_000, using: &rng)))
                toDialer.removeFirst(piece.count)
                seen += MachineTests.feed(piece, to: &dialer)
            }
            #expect(seen == expected)
            #expect(listener.unanswered == 0 && dialer.unanswered == 0 && dialer.roomForAsks == LinkFrame.askWindow)
        }
    }

    /// A block a byte at a time is one block, and a connection that ends within it gives the frame back.
    @Test func aDripFedBlock() {
        var dialer = DialerConnectionMachine()
        let number = dialer.send(digest: .sha256(Self.body), asksForBlock: true)
        _ = dialer.send(digest: .sha256("x"))
        let bytes = AnswerFrame(.received, number: number, digest: .sha256(Self.body)).bytes + Self.body
        for byte in bytes.dropLast() { #expect(MachineTests.feed([byte], to: &dialer).isEmpty) }
        var cut = dialer
        #expect(cut.close() == [0, 1])
        #expect(
            MachineTests.feed([3], to: &dialer) == [.answeredWithBlock(number: 0, .received, block: Self.body)])
        #expect(dialer.unanswered == 1)
    }

    @Test func aBlockThatNobodyAskedForIsAViolation() {
        var dialer = DialerConnectionMachine()
        let number = dialer.send(digest: .sha256(Self.body))
        _ = dialer.send(digest: .sha256(Self.body))
        let answer = AnswerFrame(.received, number: number, digest: .sha256(Self.body)).bytes
        let steps = MachineTests.feed(answer + Self.zeros, to: &dialer)
        #expect(steps == [.answered(number: 0, .received), .violation(.malformed)])
    }

    @Test func wrongBlockAnswersAreViolations() {
        func dialer() -> DialerConnectionMachine {
            var machine = DialerConnectionMachine()
            _ = machine.send(digest: .sha256(Self.body), asksForBlock: true)
            _ = machine.send(digest: .sha256("second"), asksForBlock: true)
            return machine
        }
        func violation(_ bytes: [UInt8]) -> AnswerViolation? {
            var machine = dialer()
            guard case .violation(let violation) = MachineTests.feed(bytes, to: &machine).last else { return nil }
            return violation
        }
        let digest = Digest.sha256(Self.body)
        #expect(violation(AnswerFrame(.received, number: 1, digest: .sha256("second")).bytes) == .wrongNumber)
        #expect(violation(AnswerFrame(.received, number: 0, digest: .sha256("second")).bytes) == .wrongDigest)
        let rejected = AnswerFrame(.rejected(.busy), number: 0, digest: digest).bytes
        #expect(violation(rejected + Self.body) == .malformed, "zeros follow a rejection")
        #expect(violation(rejected + Self.zeros) == nil)
        let short = AnswerFrame(.received, number: 0, digest: digest).bytes + Self.body.dropLast(100)
        let second = AnswerFrame(.received, number: 1, digest: .sha256("second")).bytes + Self.body
        #expect(violation(short + second) != nil, "half a block")
    }

    @Test func theNinthQuestionIsAViolation() {
        var machine = ListenerConnectionMachine(answersAsks: true)
        for _ in 0..<LinkFrame.askWindow {
            #expect(Self.feed(frame(3, Self.body), to: &machine, pieces: { 40_000 }).violation == nil)
        }
        #expect(Self.feed(frame(1, Self.body), to: &machine, pieces: { 40_000 }).violation == nil, "packets go on")
        #expect(Self.feed(frame(4, Self.body), to: &machine, pieces: { 40_000 }).violation == .askWindowExceeded)
    }

    @Test func refusedQuestionsAreAnsweredWithZeros() {
        var machine = ListenerConnectionMachine(answersAsks: true)
        machine.stop()
        #expect(Self.feed(frame(3, Self.body), to: &machine, pieces: { 40_000 }).asked.isEmpty)
        let answer = AnswerFrame(.rejected(.shuttingDown), number: 0, digest: .sha256(Self.body))
        #expect(machine.nextAnswer(withBlock: false) == nil, "a block waits for the socket")
        #expect(!machine.isDrained)
        #expect(machine.nextAnswerBytes() == answer.bytes + Self.zeros)
        #expect(machine.isDrained)
    }
}
