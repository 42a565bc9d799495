// Where answers of any thread wait for the event loop of their connection. At most one wake-up is under way for a
// mailbox, however many answers come; at most `LinkFrame.window` answers can be in it.

internal import NIOCore
private import Synchronization
internal import WireFormat

/// The answers to one connection's packets.
final class AnswerMailbox: Sendable {
    struct Entry: Sendable {
        var number: UInt32
        var answer: Answer
        var digest: Digest
        /// What follows the answer to a frame that asked for a block and was not rejected.
        var block: HeldBlock?
    }

    private struct State {
        var entries: [Entry] = []
        var isWakeUnderWay = false
        var isAbandoned = false
        var isClosed = false

        mutating func claimWake() -> Bool {
            guard !isWakeUnderWay else { return false }
            isWakeUnderWay = true
            return true
        }
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    /// Set while the connection is there; used on its event loop alone.
    private let handler: NIOLoopBoundBox<ListenerHandler?>

    /// Made on the connection's event loop.
    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        handler = NIOLoopBoundBox(nil, eventLoop: eventLoop)
    }

    /// On the event loop: names the one who takes answers out.
    func open(for handler: ListenerHandler) { self.handler.value = handler }

    /// On the event loop: answers have nowhere to go from now on.
    func close() {
        handler.value = nil
        state.withLock {
            $0.isClosed = true
            $0.entries = []
        }
    }

    /// Adds an answer; true if the caller must call `wake`.
    func post(_ entry: Entry) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.entries.append(entry)
            return state.claimWake()
        }
    }

    /// Notes that a packet will never be answered.
    func abandon() {
        let mustWake = state.withLock { state in
            guard !state.isClosed else { return false }
            state.isAbandoned = true
            return state.claimWake()
        }
        if mustWake { wake() }
    }

    /// Has the event loop take the answers out.
    func wake() {
        eventLoop.execute { self.handler.value?.takeAnswers() }
    }

    /// On the event loop: all answers so far, and whether a packet was abandoned.
    func drain() -> (entries: [Entry], isAbandoned: Bool) {
        state.withLock { state in
            state.isWakeUnderWay = false
            var entries: [Entry] = []
            swap(&entries, &state.entries)
            return (entries, state.isAbandoned)
        }
    }
}
