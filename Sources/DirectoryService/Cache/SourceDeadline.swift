// A source that is slow, or never ends what it began, does not keep the others from being asked.

/// How long one source is waited for while there are others, in real time.
enum SourceDeadline {
    /// For an answer of a few hundred kilobytes.
    static let patience = Duration.seconds(20)
    /// More time is given for each descriptor: about six kilobytes, at 24 kilobytes a second.
    static let perDescriptor = Duration.milliseconds(250)

    /// The answer to a question, or `.timeout` when `limit` is over or the task is cancelled. What was asked is cancelled then,
    /// and not waited for.
    /// - Parameter limit: nil: as long as the source itself takes.
    static func answer<Answer: Sendable>(
        within limit: Duration?, _ question: @escaping @Sendable () async -> Result<Answer, FetchError>
    ) async -> Result<Answer, FetchError> {
        let (answers, continuation) = AsyncStream.makeStream(
            of: Result<Answer, FetchError>.self, bufferingPolicy: .bufferingOldest(1))
        let asked = Task { continuation.yield(await question()) }
        let timer = limit.map { limit in
            Task {
                try? await Task.sleep(for: limit)
                continuation.yield(.failure(.timeout))
            }
        }
        defer {
            asked.cancel()
            timer?.cancel()
        }
        var first = answers.makeAsyncIterator()
        return await first.next() ?? .failure(.timeout)
    }
}
