// A message for one exit or mailbox, before it is cut into parts.

internal import Directory
internal import Messages
internal import MixCrypto
internal import WireFormat

/// Somebody who gets a message, with what is known of him.
struct Correspondent: Hashable, Sendable {
    /// Where it goes.
    let address: Address
    /// A key that it is sealed to.
    var key: KEMPublicKey?
    /// What his mailbox wants to see.
    var introduction: MailboxToken?
}

/// What goes to one exit: content and demands, not yet a path.
struct ComposedMessage: Sendable {
    let recipients: [Address]
    /// What the end of its packets' paths must be. `fixedExit` is nil where any able exit will do; parts then share the
    /// one that is chosen.
    let demands: PathDemands
    let bodyKind: BodyKind
    let fields: [SenderField: String]
    /// Enclosed for the recipient's answer, 7,224 bytes each. A sealed message has them inside, where no exit sees them.
    let replyBlocks: [[UInt8]]
    let body: [UInt8]
    /// Fields of the mail's header that do not travel.
    let leftOut: [String]
    /// Whether `body` is sealed to the recipient's key.
    let isSealed: Bool

    /// The bytes that are cut into parts.
    /// - Parameters:
    ///   - receiptBlock: a reply block for the exit's receipts.
    ///   - limit: longest body.
    /// - Throws: `EnvelopeError`, `MessageError`.
    func encoded(
        receiptBlock: [UInt8]? = nil, capacity: ShareCapacity = .full, limit: Int
    ) throws -> [UInt8] {
        let envelope = try Envelope(
            recipients: recipients, bodyKind: bodyKind, fields: fields, receiptBlock: receiptBlock,
            replyBlocks: replyBlocks)
        return try MessageEncoder.encode(envelope, body: body, capacity: capacity, limit: limit)
    }
}
