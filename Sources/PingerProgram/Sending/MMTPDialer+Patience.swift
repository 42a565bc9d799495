internal import Directory
internal import DirectoryService
internal import MMTP

extension MMTPDialer {
    /// A connection to a node; nil if that takes longer than `patience` of real time, or if the task is cancelled. One that
    /// comes about later is closed.
    func connect(to node: Descriptor, within patience: Duration) async -> Result<MMTPConnection, DialFailure>? {
        await TimeLimited.run(patience) {
            do throws(DialFailure) {
                return Result<MMTPConnection, DialFailure>.success(
                    try await self.connect(to: node.id, at: node.linkAddresses))
            } catch { return .failure(error) }
        } late: {
            if case .success(let connection) = $0 { connection.close() }
        }
    }
}
