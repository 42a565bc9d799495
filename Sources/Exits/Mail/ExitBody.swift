// Where an outgoing body comes from. Bodies are read piece by piece and may be read several times (once to look at
// them, once for each attempt), so a body is a way to open a reader, not bytes.

internal import Synchronization

/// A message body that can be read from its start any number of times.
public struct ExitBody: Sendable {
    /// Gives the next piece (some 64 KiB at most, never empty), nil after the last. Called by one thread at a time.
    public typealias Reader = @Sendable () throws -> [UInt8]?

    private let opener: @Sendable () throws -> Reader

    /// `open` starts a new reading from the first byte.
    public init(open: @escaping @Sendable () throws -> Reader) { opener = open }

    /// A body in memory, handed out in pieces of at most `pieceBytes`.
    public init(bytes: [UInt8], pieceBytes: Int = 65_536) {
        let size = max(pieceBytes, 1)
        self.init {
            let offset = Mutex(0)
            return {
                offset.withLock { offset in
                    guard offset < bytes.count else { return nil }
                    let end = min(offset + size, bytes.count)
                    defer { offset = end }
                    return Array(bytes[offset..<end])
                }
            }
        }
    }

    /// Starts a reading from the first byte.
    public func open() throws -> Reader { try opener() }

    /// Reads the whole body once to learn what composing and sending need to know of it. Blocks on the reader.
    /// - Parameter each: given every piece too.
    public func facts(_ each: ([UInt8]) -> Void = { _ in }) throws -> BodyFacts {
        let read = try open()
        var scan = BodyScan()
        while let piece = try read() {
            scan.update(piece)
            each(piece)
        }
        return scan.finish()
    }
}
