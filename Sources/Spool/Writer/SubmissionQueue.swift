// The way from any thread to the writer's. It is bounded by the bodies it holds: operations that make room are never
// refused.

private import Dispatch
private import Synchronization

/// Operations that were submitted together and whom to tell.
struct Submission: Sendable {
    var operations: [SpoolOperation]
    var completion: @Sendable ([SpoolResult]) -> Void
}

/// Submissions in order of arrival.
final class SubmissionQueue: Sendable {
    private struct State {
        var submissions: [Submission] = []
        var operations = 0
        var bodies = 0
        var isClosed = false
        /// Operations for which the writer wants to be woken; nil while it is not waiting.
        var wanted: Int?
    }
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let maxBodies: Int

    init(maxBodies: Int) { self.maxBodies = maxBodies }

    /// Adds a submission. `busy` if it carries bodies and too many wait, `closed` after `close`.
    func push(_ submission: Submission) throws(SpoolError) {
        let bodies = submission.operations.reduce(0) { $0 + $1.bodyCount }
        let result: Result<Bool, SpoolError> = state.withLock { state in
            if state.isClosed { return .failure(.closed) }
            // A submission larger than the bound is let through when nothing else waits.
            if bodies > 0, state.bodies > 0, state.bodies + bodies > maxBodies { return .failure(.busy) }
            state.submissions.append(submission)
            state.operations += submission.operations.count
            state.bodies += bodies
            return .success(Self.takeWake(&state))
        }
        if try result.get() { wake.signal() }
    }

    /// Lets the writer finish what waits and then stop.
    func close() {
        let wakes = state.withLock { state in
            state.isClosed = true
            state.wanted = state.wanted.map { _ in 0 }
            return Self.takeWake(&state)
        }
        if wakes { wake.signal() }
    }

    private static func takeWake(_ state: inout State) -> Bool {
        guard let wanted = state.wanted, state.operations >= wanted || state.isClosed else { return false }
        state.wanted = nil
        return true
    }

    /// The next group of at most `limit` operations (or one larger submission). Waits for the first unless told not
    /// to, then up to `settle` milliseconds for the rest. Empty if nothing is there; nil when closed and empty.
    func next(limit: Int, settle: Int, wait: Bool) -> [Submission]? {
        if wait { block(until: 1, deadline: .distantFuture) }
        if settle > 0, !isEmpty { block(until: limit, deadline: .now() + .milliseconds(settle)) }
        return state.withLock { state in
            if state.submissions.isEmpty { return state.isClosed ? nil : [] }
            var count = 0
            var operations = 0
            while count < state.submissions.count {
                let more = state.submissions[count].operations.count
                if count > 0, operations + more > limit { break }
                operations += more
                count += 1
            }
            let group = Array(state.submissions[..<count])
            state.submissions.removeFirst(count)
            state.operations -= operations
            state.bodies -= group.reduce(0) { $0 + $1.operations.reduce(0) { $0 + $1.bodyCount } }
            return group
        }
    }

    private var isEmpty: Bool { state.withLock { $0.submissions.isEmpty } }

    private func block(until wanted: Int, deadline: DispatchTime) {
        let waits = state.withLock { state in
            if state.operations >= wanted || state.isClosed { return false }
            state.wanted = wanted
            return true
        }
        guard waits else { return }
        if wake.wait(timeout: deadline) == .timedOut {
            // A wake-up that was on its way when the time ran out is taken here, so that it does not end a later wait.
            let late = state.withLock { state in
                defer { state.wanted = nil }
                return state.wanted == nil
            }
            if late { wake.wait() }
        }
    }
}
