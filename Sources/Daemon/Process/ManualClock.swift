// A clock for tests: it stands still until it is moved, and wakes those who sleep on it in order.

internal import Synchronization
public import WireFormat

/// A clock that is moved by hand.
public final class ManualClock: WallClock {
    private struct Sleeper {
        var time: Timestamp
        var continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var time: Timestamp
        var nextNumber = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
    }
    private let state: Mutex<State>

    public init(_ start: Timestamp) { state = Mutex(State(time: start)) }

    public func now() -> Timestamp { state.withLock { $0.time } }

    /// Real time has no meaning here: whatever is to come is a day away, so that nothing fires by itself.
    public func realDelay(until time: Timestamp) -> Duration { time <= now() ? .zero : .seconds(86_400) }

    /// Tasks that sleep now.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }
    /// The earliest time that somebody sleeps until.
    public var nextWake: Timestamp? { state.withLock { $0.sleepers.values.map(\.time).min() } }

    /// Moves the time forward (or back) to `time` and wakes those for whom it has come, earliest first.
    public func advance(to time: Timestamp) {
        let due = state.withLock { state in
            state.time = time
            let due = state.sleepers.filter { $0.value.time <= time }.sorted {
                ($0.value.time, $0.key) < ($1.value.time, $1.key)
            }
            for (number, _) in due { state.sleepers[number] = nil }
            return due
        }
        for (_, sleeper) in due { sleeper.continuation.resume() }
    }

    /// Moves the time forward by `interval`.
    public func advance(by interval: Interval) { advance(to: now() + interval) }

    public func sleep(until time: Timestamp) async throws {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Outcome { case sleep, wake, cancel }
                let outcome = state.withLock { state -> Outcome in
                    if state.cancelled.remove(number) != nil { return .cancel }
                    if time <= state.time { return .wake }
                    state.sleepers[number] = Sleeper(time: time, continuation: continuation)
                    return .sleep
                }
                switch outcome {
                case .sleep: break
                case .wake: continuation.resume()
                case .cancel: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                if let sleeper = state.sleepers.removeValue(forKey: number) { return Optional(sleeper) }
                state.cancelled.insert(number)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(number) }
    }
}
