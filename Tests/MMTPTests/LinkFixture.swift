// A listener and a dialer on loopback, and receivers that do what a test wants.

import MixCrypto
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import WireFormat

@testable import MMTP

let loops = MultiThreadedEventLoopGroup.singleton

/// The moment that all clocks of these tests show.
let noon = Timestamp("2026-11-21T12:00:00Z") ?? Timestamp(milliseconds: 0)

/// Values that arrive on any thread, and tests that wait for them with a deadline.
final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var waiters: [Int: (isTrue: @Sendable (Value) -> Bool, resume: CheckedContinuation<Bool, Never>)] = [:]
        var nextWaiter = 0
    }
    private let state: Mutex<State>

    init(_ value: Value) { state = Mutex(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    func change(_ body: (inout Value) -> Void) {
        let ready = state.withLock { state in
            body(&state.value)
            let ready = state.waiters.filter { $0.value.isTrue(state.value) }
            for key in ready.keys { state.waiters[key] = nil }
            return ready.values.map(\.resume)
        }
        for continuation in ready { continuation.resume(returning: true) }
    }

    /// Waits until `isTrue`; false after `seconds`.
    func wait(seconds: Int64 = 30, until isTrue: @escaping @Sendable (Value) -> Bool) async -> Bool {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let deadline = loops.next().scheduleTask(in: .seconds(seconds)) {
            self.state.withLock { $0.waiters.removeValue(forKey: number) }?.resume.resume(returning: false)
        }
        defer { deadline.cancel() }
        return await withCheckedContinuation { continuation in
            let isTrueNow = state.withLock { state in
                if isTrue(state.value) { return true }
                state.waiters[number] = (isTrue, continuation)
                return false
            }
            if isTrueNow { continuation.resume(returning: true) }
        }
    }
}

/// Counts a listener's events.
final class Events: Sendable {
    let counts = Watched<[LinkEvent: Int]>([:])
    var counter: LinkEventCounter { { event, count in self.counts.change { $0[event, default: 0] += count } } }
    subscript(event: LinkEvent) -> Int { counts.value[event] ?? 0 }
    func wait(for event: LinkEvent, count: Int = 1, seconds: Int64 = 30) async -> Bool {
        await counts.wait(seconds: seconds) { ($0[event] ?? 0) >= count }
    }
}

/// Answers what `answer` says, at once, in batches, and remembers the digests.
final class PromptReceiver: PacketReceiver {
    let digests = Watched<[Digest]>([])
    private let reply: @Sendable (Digest) -> Answer
    init(_ reply: @escaping @Sendable (Digest) -> Answer = { _ in .received }) { self.reply = reply }

    func receive(_ packets: [InboundPacket]) {
        var batch = AnswerBatch()
        for var packet in packets {
            // As a node does: the body is changed in place before the answer is known.
            var body = packet.takeBody()
            body.withUnsafeMutableBytes { for index in $0.indices { $0[index] = 0 } }
            batch.add(packet, reply(packet.digest))
            digests.change { $0.append(packet.digest) }
        }
        batch.send()
    }
}

/// Keeps packets until the test answers them.
final class HoldingReceiver: PacketReceiver {
    let held = Watched<[InboundPacket]>([])
    func receive(_ packets: [InboundPacket]) { held.change { $0 += packets } }
    func takeAll() -> [InboundPacket] {
        var taken: [InboundPacket] = []
        held.change {
            taken = $0
            $0 = []
        }
        return taken
    }
}

/// A listener that is shut down with the test.
struct Link {
    let key: SigningKey
    let identity: LinkIdentity
    let listener: MMTPListener
    let events: Events

    var nodeID: NodeID { identity.nodeID }
    var port: Int { listener.addresses[0].port }

    static func testLimits(_ change: (inout ListenerConfiguration) -> Void = { _ in }) -> ListenerConfiguration {
        var configuration = ListenerConfiguration()
        configuration.limits = .singleBlock
        change(&configuration)
        return configuration
    }

    static func start(
        _ receiver: any PacketReceiver, responder: (any BlockResponder)? = nil,
        at addresses: [LinkAddress] = [LinkAddress(host: "127.0.0.1", port: 0)],
        configuration: ListenerConfiguration = testLimits(), clock: Watched<Timestamp> = Watched(noon)
    ) async throws -> Link {
        let key = try SigningKey.generate()
        let identity = try LinkIdentity(key, now: clock.value)
        let events = Events()
        let listener = try await MMTPListener.bind(
            to: addresses, identity: identity, receiver: receiver, responder: responder, configuration: configuration,
            group: loops, clock: { clock.value }, count: events.counter)
        return Link(key: key, identity: identity, listener: listener, events: events)
    }

    func stop() async { await listener.shutdown(grace: .seconds(2)) }
}

func makeDialer(
    now: Timestamp = noon, _ change: (inout DialerConfiguration) -> Void = { _ in }
) throws -> MMTPDialer {
    var configuration = DialerConfiguration()
    change(&configuration)
    return try MMTPDialer(configuration: configuration, group: loops, clock: { now })
}

/// Bodies of one packet's size.
func randomBodies(_ count: Int, using rng: inout SeededRandom) -> [[UInt8]] {
    (0..<count).map { _ in rng.bytes(LinkFrame.bodySize) }
}

func frame(_ type: UInt8, flags: UInt8 = 0, zero: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
    [type, flags, UInt8(zero >> 8), UInt8(zero & 255)] + body
}
