// What comes for nyms lies among the received messages until the book has taken it, so that it is safe before its
// mailbox is told; and there the mails are put that it brings.

internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

extension ReceivedRecord {
    /// A packet of a nymserver, or what another device of ours left for this one.
    var isInternal: Bool {
        if kind == .nym { return true }
        if case .mailbox(let name) = origin { return NymIdentity.isName(name) }
        return false
    }
}

extension ReceivedStore {
    /// The name of the mail that an item of a nym is.
    static func nymMail(_ address: String, _ item: UInt64) -> MessageID {
        Digest.sha256(Array("nightjar/1 nym item\n\(address)\n\(item)".utf8)).withBytes {
            MessageID(copying: UnsafeRawBufferPointer(rebasing: $0[..<MessageID.byteCount]))
        }
    }

    /// What waits for the book, oldest first.
    func internalMessages() throws -> [(name: MessageID, record: ReceivedRecord)] {
        try all().filter { $0.record.isInternal && $0.record.state == .unread }
    }

    /// Erases what the book has taken; it is known when it comes again.
    func drop(_ name: MessageID, _ record: ReceivedRecord, now: Timestamp) throws {
        var gone = record
        gone.state = .read
        gone.read = now
        try remember(name, gone, now: now)
        if let file = record.file { try folder().remove(file.name) }
    }

    /// Keeps a mail that came for a nym, whole, with its own header. Only for the process that has the inbox open.
    /// - Returns: its name; the same mail has the same name and is kept once.
    func keepNymMail(_ mail: [UInt8], address: String, item: UInt64, now: Timestamp) throws -> MessageID {
        let name = Self.nymMail(address, item)
        guard try record(name) == nil else { return name }
        let subject = NymSynopsis(of: mail, day: 0).subject
        // A subject that no header may have is only in the mail itself.
        let fields: [SenderField: String] =
            (try? HeaderRules.senderHeaders(from: [.subject: subject])) == nil ? [:] : [.subject: subject]
        let envelope = try Envelope(recipients: [.drop], bodyKind: .rfc5322, fields: fields)
        let folder = try folder()
        var writer = try folder.makeFile()
        try MessageEncoder.write(envelope, body: mail, limit: MessageLimits.body) { try writer.append($0) }
        let file = folder.reference(try writer.finish())
        let record = ReceivedRecord(
            origin: .nym(address), key: nil, kind: .rfc5322, received: now, size: mail.count, replyBlocks: 0, file: file
        )
        _ = try add(name, record, now: now)
        return name
    }
}
