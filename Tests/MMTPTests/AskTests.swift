// Questions with a block for an answer, over real TLS.

import MixCrypto
import NIOCore
import NIOPosix
import TestSupport
import Testing
import WireFormat

@testable import MMTP

/// Answers with the body turned round, from a thread of its own.
final class MirrorResponder: BlockResponder {
    static let pool = NIOThreadPool(numberOfThreads: 1)

    init() { Self.pool.start() }

    static func mirrored(_ body: [UInt8]) -> [UInt8] { body.reversed() }

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        Self.pool.submit { _ in
            if body[0] == 255 { return reply(.rejected(.busy), []) }
            reply(.received, Self.mirrored(body))
        }
    }
}

/// Keeps questions until the test answers or drops them.
final class HoldingResponder: BlockResponder {
    typealias Reply = @Sendable (Answer, [UInt8]) -> Void
    let held = Watched<[(body: [UInt8], reply: Reply)]>([])
    func respond(to type: FrameType, body: [UInt8], reply: @escaping Reply) { held.change { $0.append((body, reply)) } }
    func takeAll() -> [(body: [UInt8], reply: Reply)] {
        var taken: [(body: [UInt8], reply: Reply)] = []
        held.change {
            taken = $0
            $0 = []
        }
        return taken
    }
}

@Suite struct AskTests {
    static let body = [UInt8](repeating: 7, count: LinkFrame.bodySize)
    static let zeros = [UInt8](repeating: 0, count: LinkFrame.bodySize)

    /// Whether all questions are done with; a connection gives its places back a moment after its end is seen.
    static func isIdle(_ link: Link) async throws -> Bool {
        for _ in 0..<5000 {
            if link.listener.asksInFlight == 0 { return true }
            try await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    @Test func questionsAndPacketsShareAConnection() async throws {
        var rng = SeededRandom(name: "questionsAndPacketsShareAConnection")
        let link = try await Link.start(PromptReceiver(), responder: MirrorResponder())
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        var bodies = randomBodies(30, using: &rng)
        for index in bodies.indices { bodies[index][0] = index % 5 == 0 ? 255 : 1 }
        let packets = randomBodies(100, using: &rng)
        async let outcomes = connection.send(packets)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for body in bodies {
                group.addTask {
                    let (answer, block) = try await connection.ask(body[0] == 255 ? .directory : .fetch, body: body)
                    #expect(answer == (body[0] == 255 ? .rejected(.busy) : .received))
                    #expect(block == (body[0] == 255 ? Self.zeros : MirrorResponder.mirrored(body)))
                }
            }
            try await group.waitForAll()
        }
        #expect(await outcomes.allSatisfy { $0 == .received })
        #expect(connection.packetsLeft == 1024 - 100, "questions are not packets")
        #expect(link.events[.ask] == 30 && link.events[.packet] == 100 && link.events[.rejected(.busy)] == 6)
        #expect(try await Self.isIdle(link))
        await link.stop()
    }

    @Test func withoutAResponderQuestionsAreMalformed() async throws {
        let link = try await Link.start(PromptReceiver())
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let (answer, block) = try await connection.ask(.fetch, body: Self.body)
        #expect(answer == .rejected(.malformed) && block == Self.zeros)
        #expect(await connection.send([Self.body]) == [.received])
        await link.stop()
    }

    /// Records in both directions depend on the kinds of frames alone, not on what the answers say.
    @Test func recordsDoNotShowWhatABlockHolds() async throws {
        let link = try await Link.start(PromptReceiver(), responder: MirrorResponder())
        let proxy = try await Proxy(to: link.port)
        let connection = try await makeDialer().connect(to: link.nodeID, at: [proxy.address])
        for first in [0, 255, 1, 255] as [UInt8] {
            _ = try await connection.ask(.fetch, body: [first] + Self.body.dropFirst())
        }
        connection.finish()
        #expect(await connection.waitUntilEnded() == .closed)
        await link.stop()
        let records = proxy.records.value
        let blockRecord = 10_936 + 22
        #expect(records.toListener.filter { $0 == WireTests.frameRecord }.count == 12)
        let answers = records.toDialer.drop { $0 != blockRecord }
        #expect(answers.filter { $0 == blockRecord }.count == 12)
        #expect(Set(answers).subtracting([blockRecord, WireTests.alertRecord]) == [])
        try await proxy.stop()
    }

    /// The dialer keeps to the window by itself, so any number of questions may wait.
    @Test func moreQuestionsThanTheWindowWait() async throws {
        let responder = HoldingResponder()
        let link = try await Link.start(PromptReceiver(), responder: responder)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let block = try await connection.ask(.fetch, body: Self.body).block
                    #expect(block == Self.body)
                }
            }
            #expect(await responder.held.wait { $0.count == LinkFrame.askWindow })
            // A packet overtakes the questions that wait, and is answered in its turn.
            group.addTask { #expect(await connection.send([Self.body]) == [.received]) }
            #expect(await link.events.wait(for: .packet))
            var answered = 0
            while answered < 20 {
                #expect(await responder.held.wait { !$0.isEmpty })
                for (body, reply) in responder.takeAll().reversed() {
                    reply(.received, body)
                    reply(.received, Self.zeros)
                    answered += 1
                }
            }
            try await group.waitForAll()
        }
        #expect(link.events[.ask] == 20 && link.events[.violation(.askWindowExceeded)] == 0)
        await link.stop()
    }

    @Test func theGateOfAllConnectionsHolds() async throws {
        let responder = HoldingResponder()
        let link = try await Link.start(
            PromptReceiver(), responder: responder, configuration: Link.testLimits { $0.asksInFlight = 3 })
        let first = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let second = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let waiting = (0..<3).map { _ in Task { try await first.ask(.fetch, body: Self.body).answer } }
        #expect(await responder.held.wait { $0.count == 3 })
        let refused = try await second.ask(.fetch, body: Self.body).answer
        #expect(refused == .rejected(.busy))
        #expect(await second.send([Self.body]) == [.received], "packets have a gate of their own")
        // A connection that is gone gives its places back when the responder has let go.
        first.close()
        for task in waiting {
            let result = await task.result
            #expect(throws: DialFailure.closed) { try result.get() }
        }
        for (body, reply) in responder.takeAll() { reply(.received, body) }
        // It does so on its event loop.
        #expect(try await Self.isIdle(link))
        let asked = Task { try await second.ask(.fetch, body: Self.body).answer }
        #expect(await responder.held.wait { $0.count == 1 })
        for (body, reply) in responder.takeAll() { reply(.received, body) }
        let answer = try await asked.value
        #expect(answer == .received)
        await link.stop()
    }

    @Test func aQuestionThatIsDroppedCostsTheConnection() async throws {
        let responder = HoldingResponder()
        let link = try await Link.start(PromptReceiver(), responder: responder)
        let connection = try await makeDialer().connect(to: link.nodeID, at: link.listener.addresses)
        let asked = Task { try await connection.ask(.fetch, body: Self.body).answer }
        #expect(await responder.held.wait { $0.count == 1 })
        _ = responder.takeAll()
        let result = await asked.result
        #expect(throws: DialFailure.closed) { try result.get() }
        #expect(await link.events.wait(for: .abandoned))
        #expect(try await Self.isIdle(link))
        await link.stop()
    }

    // MARK: Hostile listeners

    /// Half a block, then nothing; drops of a block; a wrong digest; nothing at all; packets' answers with blocks.
    @Test(arguments: 0..<5) func hostileListeners(kind: Int) async throws {
        let listener = try await ScriptedListener { number, body in
            let good = AnswerFrame(.received, number: number, digest: .sha256(body)).bytes
            return switch kind {
            case 0: good + body.prefix(20_000)
            case 1: AnswerFrame(.received, number: number, digest: .sha256("x")).bytes + body
            case 2: nil
            case 3: AnswerFrame(.received, number: number + 1, digest: .sha256(body)).bytes + body
            default: AnswerFrame(.rejected(.busy), number: number, digest: .sha256(body)).bytes + body
            }
        }
        let connection = try await makeDialer {
            if kind == 0 || kind == 2 { $0.answerTimeout = .milliseconds(600) }
        }.connect(
            to: listener.nodeID, at: [listener.address])
        let expected: DialFailure =
            switch kind {
            case 0, 2: .silence
            case 1: .violation(.wrongDigest)
            case 3: .violation(.wrongNumber)
            default: .violation(.malformed)
            }
        await #expect(throws: expected) { _ = try await connection.ask(.fetch, body: Self.body) }
        await #expect(throws: DialFailure.closed) { _ = try await connection.ask(.fetch, body: Self.body) }
        try await listener.stop()
    }

    @Test func aBlockBehindAPacketsAnswerEndsTheConnection() async throws {
        let listener = try await ScriptedListener { number, body in
            AnswerFrame(.received, number: number, digest: .sha256(body)).bytes + body
        }
        let connection = try await makeDialer().connect(to: listener.nodeID, at: [listener.address])
        _ = await connection.send([Self.body])
        let failure = await connection.waitUntilEnded()
        #expect(failure == .violation(.malformed) || failure == .violation(.unasked))
        try await listener.stop()
    }

    // MARK: Hostile dialers

    @Test func aDialerThatAsksTooMuchIsClosed() async throws {
        let responder = HoldingResponder()
        let link = try await Link.start(PromptReceiver(), responder: responder)
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        for _ in 0...LinkFrame.askWindow { await raw.send(frame(3, Self.body)) }
        #expect(await raw.waitForEnd())
        #expect(link.events[.violation(.askWindowExceeded)] == 1)
        #expect(link.events[.ask] == LinkFrame.askWindow)
        for (body, reply) in responder.takeAll() { reply(.received, body) }
        #expect(try await Self.isIdle(link))
        await link.stop()
    }

    /// A dialer that takes no answers holds little, and not for long.
    @Test func aDialerThatDoesNotReadIsClosed() async throws {
        let link = try await Link.start(
            PromptReceiver(), responder: MirrorResponder(),
            configuration: Link.testLimits {
                $0.frameTimeout = .seconds(5)
                $0.asksInFlight = 8
            })
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        #expect(await link.events.wait(for: .opened))
        try await raw.channel.setOption(ChannelOptions.autoRead, value: false).get()
        // The system's buffers take some megabytes before anybody is held up.
        let flood = Task {
            for count in 1...8000 {
                await raw.send(frame(4, Self.body))
                guard await link.events.wait(for: .received, count: count) else { return }
            }
        }
        #expect(await link.events.wait(for: .closed))
        #expect(link.events[.writeTimeout] == 1)
        #expect(link.events[.ask] < 8000)
        #expect(try await Self.isIdle(link))
        await raw.close()
        flood.cancel()
        await link.stop()
    }

    /// Frames a few bytes at a time are still frames, and half a frame times out.
    @Test func dripFedQuestions() async throws {
        let link = try await Link.start(
            PromptReceiver(), responder: MirrorResponder(),
            configuration: Link.testLimits { $0.frameTimeout = .seconds(4) })
        let raw = try await RawDialer.connect(port: link.port, tls: RawDialer.tls())
        let bytes = frame(3, Self.body)
        for start in stride(from: 0, to: bytes.count, by: 997) {
            await raw.send(Array(bytes[start..<min(start + 997, bytes.count)]))
        }
        #expect(await raw.waitForBytes(LinkFrame.blockAnswerSize))
        let answer = AnswerFrame(.received, number: 0, digest: .sha256(Self.body)).bytes
        #expect(raw.seen.value.bytes == answer + MirrorResponder.mirrored(Self.body))
        await raw.send(Array(bytes.prefix(20_000)))
        #expect(await raw.waitForEnd())
        #expect(link.events[.frameTimeout] == 1)
        await link.stop()
    }
}
