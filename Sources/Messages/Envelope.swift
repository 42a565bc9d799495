// What a message says to the node that delivers it: to whom, with what header fields, and how to answer. It travels in
// front of the body, uncompressed, so that the exit can refuse a message before it inflates a byte.

internal import WireFormat

/// Why an envelope is refused.
public enum EnvelopeError: Error, Hashable, Sendable, CustomStringConvertible {
    case noRecipient, tooManyRecipients, duplicateRecipient
    case address(AddressError)
    case wrongReplyBlockSize, tooManyReplyBlocks
    case emptyField(SenderField)
    case fieldTooLong(SenderField)
    case fieldsTooLarge
    case unknownBodyKind, unknownField, fieldsOutOfOrder, notText, malformed

    public var description: String {
        switch self {
        case .noRecipient:
            "no recipient; name a recipient with --to (recipients in the mail's own header are not used)"
        case .tooManyRecipients: "more than \(MessageLimits.recipients) recipients; send the message in several goes"
        case .duplicateRecipient: "a recipient is named twice; name each once"
        case .address(let error): error.description
        case .wrongReplyBlockSize: "a reply block is not \(PayloadSize.replyBlock) bytes; make a new one"
        case .tooManyReplyBlocks: "more than \(MessageLimits.replyBlocks) reply blocks; enclose fewer"
        case .emptyField(let field): "\(field.name) is empty; leave it out or give it a value"
        case .fieldTooLong(let field): "\(field.name) is longer than \(field.maximumSize) bytes; shorten it"
        case .fieldsTooLarge: "the header fields are longer than \(MessageLimits.fields) bytes together; shorten them"
        case .unknownBodyKind, .unknownField, .fieldsOutOfOrder, .notText, .malformed:
            "the message's envelope is not well-formed"
        }
    }
}

/// What the body of a message is.
public enum BodyKind: UInt8, Hashable, Sendable, CaseIterable {
    /// The body of a mail as SMTP carries it (`MailBodyCheck`): what follows the empty line of an RFC 5322 message. Its
    /// header is made by the exit from the envelope's sender fields, so that nobody parses a foreign header.
    case rfc5322 = 0
    /// Bytes, delivered as they are.
    case raw = 1
    /// A `Receipt` of an exit, for the sender of the message that it is about; comes through a reply block.
    case receipt = 2
    /// The id of a message, 16 bytes: the exit tells through the receipt block how it stands with it.
    case statusQuery = 3
    /// A packet of a nymserver for the owner of a nym (doc/NYM_PROTOCOL.md); comes through a reply block.
    case nym = 4
}

/// To whom, how, and with what.
public struct Envelope: Hashable, Sendable {
    /// 1 to 8 different addresses.
    public let recipients: [Address]
    /// What the body is.
    public let bodyKind: BodyKind
    /// The sender's wishes for the header section. Their sizes are checked here, their contents by `HeaderRules`.
    public let fields: [SenderField: String]
    /// A reply block for the exit's receipts, 7,224 bytes; opaque here.
    public let receiptBlock: [UInt8]?
    /// Reply blocks for the recipient's answer, 7,224 bytes each, at most 32; opaque here.
    public let replyBlocks: [[UInt8]]

    /// Checks counts and sizes.
    public init(
        recipients: [Address], bodyKind: BodyKind = .rfc5322, fields: [SenderField: String] = [:],
        receiptBlock: [UInt8]? = nil, replyBlocks: [[UInt8]] = []
    ) throws(EnvelopeError) {
        guard !recipients.isEmpty else { throw .noRecipient }
        guard recipients.count <= MessageLimits.recipients else { throw .tooManyRecipients }
        guard Set(recipients).count == recipients.count else { throw .duplicateRecipient }
        guard replyBlocks.count <= MessageLimits.replyBlocks else { throw .tooManyReplyBlocks }
        guard (replyBlocks + [receiptBlock].compactMap(\.self)).allSatisfy({ $0.count == PayloadSize.replyBlock })
        else {
            throw .wrongReplyBlockSize
        }
        var size = 0
        for (field, value) in fields.sorted(by: { $0.key < $1.key }) {
            guard !value.isEmpty else { throw .emptyField(field) }
            guard value.utf8.count <= field.maximumSize else { throw .fieldTooLong(field) }
            size += 3 + value.utf8.count
        }
        guard size <= MessageLimits.fields else { throw .fieldsTooLarge }
        self.recipients = recipients
        self.bodyKind = bodyKind
        self.fields = fields
        self.receiptBlock = receiptBlock
        self.replyBlocks = replyBlocks
    }

    /// The wire form; one byte string for each value.
    ///
    ///     count u8 | (length u16 | address)* | body kind u8
    ///     | receipt count u8 (0, 1) | reply block 7224 *  | count u8 | reply block 7224 *
    ///     | count u8 | (tag u8 | length u16 | UTF-8)*     tags ascending
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 1024 + PayloadSize.replyBlock * (replyBlocks.count + 1))
        writer.integer(UInt8(recipients.count))
        for recipient in recipients { Self.write(recipient.description, to: &writer) }
        writer.integer(bodyKind.rawValue)
        writer.integer(UInt8(receiptBlock == nil ? 0 : 1))
        writer.append(receiptBlock ?? [])
        writer.integer(UInt8(replyBlocks.count))
        for block in replyBlocks { writer.append(block) }
        writer.integer(UInt8(fields.count))
        for (field, value) in fields.sorted(by: { $0.key < $1.key }) {
            writer.integer(field.rawValue)
            Self.write(value, to: &writer)
        }
        return writer.bytes
    }

    private static func write(_ text: String, to writer: inout WireWriter) {
        // The initialiser has bounded every text far below 65,536.
        writer.integer(UInt16(text.utf8.count))
        writer.append(text.utf8)
    }

    /// Reads exactly one envelope. Refuses every spelling but the one that `encoded` writes. A field that this
    /// version does not know is refused too: a new field takes a new message version.
    public init(decoding bytes: ArraySlice<UInt8>) throws(EnvelopeError) {
        var reader = WireReader(bytes)
        do {
            try self.init(reading: &reader)
            try reader.end()
        } catch let error as EnvelopeError {
            throw error
        } catch WireError.notText {
            throw .notText
        } catch {
            throw .malformed
        }
    }

    private init(reading reader: inout WireReader) throws {
        var recipients: [Address] = []
        let count = try reader.integer(UInt8.self)
        guard count <= MessageLimits.recipients else { throw EnvelopeError.tooManyRecipients }
        for _ in 0..<count {
            let text = try Self.text(from: &reader)
            do throws(AddressError) {
                recipients.append(try Address(canonical: text))
            } catch {
                throw EnvelopeError.address(error)
            }
        }
        guard let kind = BodyKind(rawValue: try reader.integer()) else { throw EnvelopeError.unknownBodyKind }
        let receipts = try Self.blocks(from: &reader, atMost: 1)
        let replies = try Self.blocks(from: &reader, atMost: MessageLimits.replyBlocks)
        var fields: [SenderField: String] = [:]
        var last: UInt8 = 0
        for _ in 0..<(try reader.integer(UInt8.self)) {
            let tag = try reader.integer(UInt8.self)
            guard tag > last else { throw EnvelopeError.fieldsOutOfOrder }
            last = tag
            guard let field = SenderField(rawValue: tag) else { throw EnvelopeError.unknownField }
            fields[field] = try Self.text(from: &reader)
        }
        try self.init(
            recipients: recipients, bodyKind: kind, fields: fields, receiptBlock: receipts.first, replyBlocks: replies)
    }

    private static func text(from reader: inout WireReader) throws(WireError) -> String {
        try reader.text(Int(try reader.integer(UInt16.self)))
    }

    private static func blocks(from reader: inout WireReader, atMost limit: Int) throws -> [[UInt8]] {
        let count = Int(try reader.integer(UInt8.self))
        guard count <= limit else { throw EnvelopeError.tooManyReplyBlocks }
        var blocks: [[UInt8]] = []
        for _ in 0..<count { blocks.append(Array(try reader.slice(PayloadSize.replyBlock))) }
        return blocks
    }
}
