// A reassembled message in a sealed file of the spool: its envelope, and its body as often as it is wanted. At no time is
// the whole message in memory.

internal import Exits
internal import Messages
internal import Spool
internal import Synchronization

struct StoredMessage: Sendable {
    /// Opens the sealed file from its start.
    typealias Opener = @Sendable () throws(SpoolError) -> SealedFileReader

    let envelope: Envelope
    let body: ExitBody

    /// Reads the envelope. Throws `MessageError` if the sender made nonsense, `SpoolError` if the disk did not give the file.
    init(bodyLimit: Int, open: @escaping Opener) throws {
        let source = Source(try open())
        var reader = MessageReader(length: source.length, bodyLimit: bodyLimit)
        envelope = try reader.envelope { try source.next() }
        body = ExitBody {
            let reading = try Reading(bodyLimit: bodyLimit, source: Source(try open()))
            return { try reading.next() }
        }
    }
}

/// A sealed file as closures can share it.
private final class Source: Sendable {
    let length: Int
    private let reader: Mutex<SealedFileReader>

    init(_ reader: SealedFileReader) {
        length = reader.length
        self.reader = Mutex(reader)
    }

    func next() throws -> [UInt8]? { try reader.withLock { reader in try reader.next() } }
}

/// One reading of a body.
private final class Reading: Sendable {
    private let source: Source
    private let reader: Mutex<MessageReader>

    init(bodyLimit: Int, source: Source) throws {
        self.source = source
        var reader = MessageReader(length: source.length, bodyLimit: bodyLimit)
        _ = try reader.envelope { try source.next() }
        self.reader = Mutex(reader)
    }

    func next() throws -> [UInt8]? {
        try reader.withLock { [source] reader in try reader.nextBodyChunk { try source.next() } }
    }
}
