// The one thread that writes to the database. What is given to it is done even if whoever asked is no longer interested: a
// probe that was acknowledged is recorded although the pinger stops.

internal import Dispatch

/// Does what blocks, one thing after another.
struct StoreDesk: Sendable {
    private let queue: DispatchQueue

    /// - Parameter name: of the thread; a desk of another name works beside the database's.
    init(_ name: String = "database") {
        queue = DispatchQueue(label: "nightjar.pinger.\(name)", qos: .userInitiated)
    }

    func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
