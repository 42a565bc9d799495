// A link to one node, as its user sees it: frames go in, outcomes come back, on any thread.

internal import MixCrypto
public import NIOCore
internal import Synchronization
internal import WireFormat

/// An open connection to a listener whose identity has been verified.
public final class MMTPConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<DialerHandler>
    private let ledger: Ledger
    private let digestInterval: Int
    private let framesTaken = Atomic<Int>(0)

    /// Fulfilled with the reason when the connection has ended, after the last outcome was reported.
    public let ended: EventLoopFuture<DialFailure>

    /// On the event loop of `channel`.
    init(
        channel: any Channel, closer: TransportCloser, verdict: VerificationVerdict, configuration: DialerConfiguration,
        ready: EventLoopPromise<Void>
    ) {
        self.channel = channel
        digestInterval = max(configuration.digestInterval, 1)
        let ledger = Ledger(packets: configuration.packetsPerConnection, queueLimit: configuration.queueLimit)
        self.ledger = ledger
        let ended = channel.eventLoop.makePromise(of: DialFailure.self)
        self.ended = ended.futureResult
        let handler = DialerHandler(
            configuration: configuration, closer: closer, verdict: verdict, ready: ready, ended: ended,
            dequeued: { count in ledger.leaveQueue(count) })
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// The handler to put into the pipeline; on the event loop.
    var channelHandler: DialerHandler { handler.value }

    /// Whether the connection has carried all packets that it may; `finish` it and open another.
    public var isExhausted: Bool { ledger.packetsLeft == 0 }
    /// Packets that the connection will still take before it is exhausted.
    public var packetsLeft: Int { ledger.packetsLeft }
    /// Frames that wait for the window.
    public var queued: Int { ledger.queued }

    /// Sends packets of 32,768 bytes in order. `outcome` is called once for each, with its index in `packets`, in order
    /// for those that were sent; on the connection's event loop, or before `send` returns for packets beyond
    /// `packetsLeft` or the queue's limit. The digests that the answers must carry are taken here, on the caller's
    /// thread, some 20 us a packet.
    public func send(
        _ packets: [[UInt8]], outcome: @escaping @Sendable (_ index: Int, _ outcome: FrameOutcome) -> Void
    ) {
        let taken = ledger.enterQueue(packets: packets.count)
        let excuse = ledger.packetsLeft == 0 ? DialFailure.exhausted : .queueFull
        enqueue(packets.prefix(taken), type: .packet, report: outcome)
        for index in taken..<packets.count { outcome(index, .notAcknowledged(excuse)) }
    }

    /// Sends packets of 32,768 bytes and waits until every one has an outcome; these in the order of `packets`.
    public func send(_ packets: [[UInt8]]) async -> [FrameOutcome] {
        guard !packets.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let collected = OutcomeCollector(count: packets.count) { continuation.resume(returning: $0) }
            send(packets) { index, outcome in collected.note(outcome, at: index) }
        }
    }

    /// Sends `count` frames of padding, as far as the queue has room. They look like packets on the wire and do not
    /// count against `packetsLeft`.
    public func sendPadding(_ count: Int) {
        let bodies = (0..<ledger.enterQueue(padding: count)).map { _ in
            SymmetricSecret.random().stream(LinkFrame.bodySize)
        }
        enqueue(bodies[...], type: .padding, report: nil)
    }

    /// Sends a FETCH or DIRECTORY frame with a body of 32,768 bytes and waits for its answer and the block that follows
    /// it: 32,768 bytes, zeros if the answer is a rejection. The answer's digest is always compared. At most
    /// `LinkFrame.askWindow` such frames are under way at a time, further ones wait; they do not count against
    /// `packetsLeft`. Throws `queueFull` at once if too many wait, otherwise what ended the connection.
    public func ask(
        _ type: FrameType, body: [UInt8]
    ) async throws(DialFailure) -> (answer: Answer, block: [UInt8]) {
        precondition(type.asksForBlock, "only FETCH and DIRECTORY ask for a block")
        precondition(body.count == LinkFrame.bodySize, "a frame's body is \(LinkFrame.bodySize) bytes")
        guard ledger.enterQueue(padding: 1) == 1 else { throw .queueFull }
        let digest = Digest.sha256(body)
        let result: Result<(answer: Answer, block: [UInt8]), DialFailure> = await withCheckedContinuation { waiting in
            let frame = DialerHandler.Pending(
                type: type, body: body, digest: digest, sender: .block { waiting.resume(returning: $0) })
            channel.eventLoop.execute { self.handler.value.enqueue(ask: frame) }
        }
        return try result.get()
    }

    /// Ends a burst: fills the packets sent since the last call up with padding.
    public func fill(_ policy: PaddingPolicy) {
        sendPadding(policy.frames(after: ledger.endBurst()))
    }

    private func enqueue(_ bodies: ArraySlice<[UInt8]>, type: FrameType, report: DialerHandler.Report?) {
        guard !bodies.isEmpty else { return }
        let frames = bodies.indices.map { index in
            precondition(bodies[index].count == LinkFrame.bodySize, "a frame's body is \(LinkFrame.bodySize) bytes")
            return DialerHandler.Pending(
                type: type, body: bodies[index], digest: isSampled() ? .sha256(bodies[index]) : nil,
                sender: .outcome(index: index, report))
        }
        channel.eventLoop.execute { self.handler.value.enqueue(frames) }
    }

    /// Whether this frame's answer is to be compared in full.
    private func isSampled() -> Bool {
        framesTaken.add(1, ordering: .relaxed).oldValue.isMultiple(of: digestInterval)
    }

    /// Takes no more frames and closes when all are answered.
    public func finish() { channel.eventLoop.execute { self.handler.value.finish() } }

    /// Closes at once; frames without an answer come back as not acknowledged.
    public func close() { channel.eventLoop.execute { self.handler.value.close() } }

    /// Waits for the end; its reason.
    public func waitUntilEnded() async -> DialFailure {
        // The future does not fail, but its type cannot say so.
        do { return try await ended.get() } catch { return .closed }
    }
}

/// What a connection has been given and may still be given.
private final class Ledger: Sendable {
    private struct State {
        var packetsLeft: Int
        var queued = 0
        var sinceFill = 0
    }
    private let state: Mutex<State>
    private let queueLimit: Int

    init(packets: Int, queueLimit: Int) {
        state = Mutex(State(packetsLeft: packets))
        self.queueLimit = queueLimit
    }

    var packetsLeft: Int { state.withLock { $0.packetsLeft } }
    var queued: Int { state.withLock { $0.queued } }

    /// How many of so many packets may be queued; they count from now on.
    func enterQueue(packets: Int) -> Int {
        state.withLock { state in
            let taken = max(0, min(packets, state.packetsLeft, queueLimit - state.queued))
            state.packetsLeft -= taken
            state.sinceFill += taken
            state.queued += taken
            return taken
        }
    }

    /// The same for padding.
    func enterQueue(padding: Int) -> Int {
        state.withLock { state in
            let taken = max(0, min(padding, queueLimit - state.queued))
            state.queued += taken
            return taken
        }
    }

    func leaveQueue(_ count: Int) { state.withLock { $0.queued -= count } }

    /// Packets since the last call.
    func endBurst() -> Int {
        state.withLock { state in
            defer { state.sinceFill = 0 }
            return state.sinceFill
        }
    }
}

/// Gathers the outcomes of a batch.
private final class OutcomeCollector: Sendable {
    private struct State {
        var outcomes: [FrameOutcome]
        var left: Int
    }
    private let state: Mutex<State>
    private let done: @Sendable ([FrameOutcome]) -> Void

    init(count: Int, done: @escaping @Sendable ([FrameOutcome]) -> Void) {
        state = Mutex(State(outcomes: Array(repeating: .notAcknowledged(.closed), count: count), left: count))
        self.done = done
    }

    func note(_ outcome: FrameOutcome, at index: Int) {
        let complete: [FrameOutcome]? = state.withLock { state in
            state.outcomes[index] = outcome
            state.left -= 1
            return state.left == 0 ? state.outcomes : nil
        }
        if let complete { done(complete) }
    }
}
