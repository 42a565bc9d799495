// Waiting for what cannot be interrupted, a connection being opened say, no longer than one wants to.

internal import Synchronization

/// Bounds how long something is waited for.
enum TimeLimited {
    /// What `body` gives, or nil if that takes longer than `limit` of real time, or if the task is cancelled first. The body goes
    /// on then; what it gives in the end goes to `late`.
    static func run<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async -> Value,
        late: @escaping @Sendable (Value) async -> Void = { _ in }
    ) async -> Value? {
        let turn = Turn<Value>()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiting in
                turn.wait(waiting)
                let timer = Task {
                    try? await Task.sleep(for: limit)
                    _ = turn.end(nil)
                }
                Task {
                    let value = await body()
                    if !turn.end(value) { await late(value) }
                    timer.cancel()
                }
            }
        } onCancel: {
            _ = turn.end(nil)
        }
    }

    /// Resumes one continuation once.
    private final class Turn<Value: Sendable>: Sendable {
        private struct State {
            var waiting: CheckedContinuation<Value?, Never>?
            var isOver = false
        }
        private let state = Mutex(State())

        func wait(_ continuation: CheckedContinuation<Value?, Never>) {
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting = continuation }
                return state.isOver
            }
            if isOver { continuation.resume(returning: nil) }
        }

        /// False if it had ended before.
        func end(_ value: Value?) -> Bool {
            let (waiting, isFirst) = state.withLock { state in
                defer {
                    state.waiting = nil
                    state.isOver = true
                }
                return (state.waiting, !state.isOver)
            }
            waiting?.resume(returning: value)
            return isFirst
        }
    }
}
