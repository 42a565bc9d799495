// Reading a message from its sealed file.

internal import Messages
internal import Spool

/// A reading of one message: its envelope, then its body in pieces.
final class MessageReading {
    let envelope: Envelope
    /// Bytes of the body.
    let bodyLength: Int
    private var file: SealedFileReader
    private var message: MessageReader

    /// Opens the file and reads the envelope.
    /// - Throws: `MessageError` if it is not well-formed, `InboxError.damagedFile`.
    init(_ folder: SealedFolder, _ reference: SealedFileReference) throws {
        var reader = try Self.checking { () throws(SpoolError) in try folder.open(reference) }
        var reading = MessageReader(length: reference.length)
        envelope = try reading.envelope { try Self.checking { () throws(SpoolError) in try reader.next() } }
        bodyLength = reading.bodyLength
        file = reader
        message = reading
    }

    /// The next 1 to 65,536 bytes of the body, nil after the last.
    func next() throws -> [UInt8]? {
        var reader = file
        defer { file = reader }
        return try message.nextBodyChunk { try Self.checking { () throws(SpoolError) in try reader.next() } }
    }

    /// All that is left of the body.
    func rest() throws -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(bodyLength)
        while let piece = try next() { body += piece }
        return body
    }

    private static func checking<T>(_ read: () throws(SpoolError) -> T) throws -> T {
        do throws(SpoolError) {
            return try read()
        } catch .damaged {
            throw InboxError.damagedFile
        }
    }
}
