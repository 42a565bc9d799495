// Where an authority's actors live and its long computations run: threads of their own, because they wait for the disk and
// check signatures, which must hold up neither event loops nor the tasks that all others share.

internal import Dispatch

/// A thread that runs one actor's work in order; waiting for the disk is allowed on it.
final class WorkExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(_ name: String) { queue = DispatchQueue(label: "nightjar.\(name)") }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// A few threads for what can be done side by side. What waits is bounded by those who ask.
final class WorkThreads: Sendable {
    private let queue: DispatchQueue
    private let slots: DispatchSemaphore

    /// - Parameter count: pieces of work at a time.
    init(_ name: String, count: Int) {
        queue = DispatchQueue(label: "nightjar.\(name)")
        slots = DispatchSemaphore(value: max(1, count))
        threads = DispatchQueue(label: "nightjar.\(name).threads", attributes: .concurrent)
    }

    private let threads: DispatchQueue

    /// Runs `body` on one of the threads.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            // The first queue hands out the threads, one piece of work at a time.
            queue.async { [threads, slots] in
                slots.wait()
                threads.async {
                    let result = body()
                    slots.signal()
                    continuation.resume(returning: result)
                }
            }
        }
    }
}
