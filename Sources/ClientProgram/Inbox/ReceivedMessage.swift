// A received message as programs see it: who wrote is unknown, to which of one's names it came is known. Its envelope is in
// memory, its body on the disk.

public import Messages
internal import MixCrypto
internal import Spool
public import WireFormat

/// A message that was received. The body is read in pieces, so that its size does not matter.
public struct ReceivedMessage: Sendable, Identifiable {
    /// What the message is.
    public enum Kind: String, Sendable, Hashable {
        /// A mail: the fields are its header, the body is text or MIME with CRLF.
        case mail
        /// Bytes.
        case raw
    }

    /// Its name in the inbox, 16 bytes: the same for the same message of the same writer to the same identity.
    public let id: MessageID
    /// To which of the user's identities or mailboxes it came.
    public let origin: MessageOrigin
    /// The name of the public key that it was sealed to, if it was.
    public let key: String?
    public let kind: Kind
    /// What the writer set: hostile until `HeaderRules` has checked it, as `head` does.
    public let fields: [SenderField: String]
    /// Reply blocks enclosed for an answer, 7,224 bytes each.
    public let replyBlocks: [[UInt8]]
    /// When it was complete.
    public let received: Timestamp
    /// Bytes of the body.
    public let size: Int
    /// Whether it was printed or written to a Maildir before.
    public let isRead: Bool

    private let folder: SealedFolder
    private let file: SealedFileReference

    /// Names the message to mail programs and in Maildirs, 40 hexadecimal digits. It says nothing of `id`: an answer shows
    /// it to the writer, who could guess at identities' names with the other.
    public var token: String { Hex.encode(tokenDigest.bytes.prefix(20)) }

    /// The same in full.
    var tokenDigest: Digest {
        // What opens the file is random and secret.
        Digest.sha256(Array("nightjar/1 message name\n".utf8) + file.encoded)
    }

    /// Reads the envelope.
    /// - Throws: `InboxError`, `MessageError`.
    init(id: MessageID, record: ReceivedRecord, folder: SealedFolder, file: SealedFileReference) throws {
        self.id = id
        self.folder = folder
        self.file = file
        origin = record.origin
        key = if case .key(let name) = record.origin { name } else { record.key }
        kind = record.kind == .rfc5322 ? .mail : .raw
        received = record.received
        isRead = record.state == .read
        let reading = try MessageReading(folder, file)
        fields = reading.envelope.fields
        replyBlocks = reading.envelope.replyBlocks
        size = reading.bodyLength
    }

    /// Gives the body to `body`, in pieces of 1 to 65,536 bytes. Use nothing of it before this has returned if it must
    /// not be incomplete: a damaged file is found where the damage is.
    public func readBody(_ body: ([UInt8]) throws -> Void) throws {
        let next = try openBody()
        while let piece = try next() { try body(piece) }
    }

    /// A reading of the body from its start: gives the next 1 to 65,536 bytes, nil after the last.
    func openBody() throws -> () throws -> [UInt8]? {
        let reading = try MessageReading(folder, file)
        return { try reading.next() }
    }

    /// All of the body; for messages known to be small.
    public func body() throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        try readBody { bytes += $0 }
        return bytes
    }
}
