// The body of a received message as an exit sends it on.

public import Messages
internal import Synchronization

extension ExitBody {
    /// The body of an encoded message of `length` bytes, inflated as it is read. `open` starts a new reading of the
    /// message from its first byte; the envelope is skipped, and what is damaged makes the reading throw.
    public init(
        messageOfLength length: Int, bodyLimit: Int = MessageLimits.body, open: @escaping @Sendable () throws -> Reader
    ) {
        self.init {
            let source = try open()
            let message = Mutex(MessageReader(length: length, bodyLimit: bodyLimit))
            _ = try message.withLock { try $0.envelope(from: source) }
            return { try message.withLock { try $0.nextBodyChunk(from: source) } }
        }
    }
}
