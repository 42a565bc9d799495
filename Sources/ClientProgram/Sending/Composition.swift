// From what a person wrote to messages, one for each exit. Pure: keys, reply blocks and the planner's knowledge of the
// network are handed in.

internal import Directory
internal import Messages
internal import MixCrypto
internal import WireFormat

/// A message's content, read and checked.
struct Composition: Sendable {
    /// What the input was.
    enum Content: Sendable {
        case mail(fields: [SenderField: String], body: [UInt8])
        case raw(fields: [SenderField: String], body: [UInt8])
    }

    let content: Content
    /// Fields of the mail's header that do not travel.
    let leftOut: [String]

    /// Reads `text`.
    /// - Throws: `SendError.emptyMessage`, `OutgoingMailError`.
    init(_ text: [UInt8], request: ComposeRequest) throws {
        guard request.subject != nil || text.contains(where: { $0 > 0x20 }) else { throw SendError.emptyMessage }
        if request.isRaw {
            var fields: [SenderField: String] = [:]
            fields[.subject] = request.subject
            fields[.displayName] = request.displayName
            fields[.inReplyTo] = request.inReplyTo
            fields[.references] = request.references
            content = .raw(fields: try Self.checked(fields), body: text)
            leftOut = []
            return
        }
        let mail = try OutgoingMail(
            text,
            options: OutgoingMail.Options(
                subject: request.subject, displayName: request.displayName, inReplyTo: request.inReplyTo))
        var fields = mail.fields
        if let references = request.references { fields[.references] = references }
        content = .mail(fields: try Self.checked(fields), body: mail.body)
        leftOut = mail.dropped
    }

    private static func checked(_ fields: [SenderField: String]) throws -> [SenderField: String] {
        do throws(HeaderViolation) {
            _ = try HeaderRules.senderHeaders(from: fields)
            return fields
        } catch {
            throw OutgoingMailError.header(error)
        }
    }

    /// How a mail is sealed, and what with: `MailSeal` in the program.
    typealias Seal = (_ mail: [UInt8], _ key: KEMPublicKey) throws -> [UInt8]

    /// The messages, one for each exit, mailbox and key, in the order of the recipients.
    /// - Parameters:
    ///   - correspondents: 1 to 8 different addresses.
    ///   - replyBlocks: makes the reply blocks that one message encloses.
    func messages(
        to correspondents: [Correspondent], planner: PacketPlanner, seal: Seal, replyBlocks: () throws -> [[UInt8]]
    ) throws -> [ComposedMessage] {
        try Self.groups(of: correspondents, planner: planner).map { group in
            var fields: [SenderField: String] = [:]
            let blocks = try replyBlocks()
            let isBox = group.errand.recipients.allSatisfy { $0.kind == .box }
            guard let key = group.key else {
                fields = plainFields
                fields[.introduction] = group.introduction?.hex
                guard bodyKind == .raw, !isBox else {
                    return message(group, kind: bodyKind, fields: fields, blocks: blocks, body: body, isSealed: false)
                }
                // An exit delivers mail, so bytes go as an attachment does.
                fields.merge(SealedMailText.rawFields) { $1 }
                return message(
                    group, kind: .rfc5322, fields: fields, blocks: blocks, body: SealedMailText.rawBody(body),
                    isSealed: false)
            }
            fields[.introduction] = group.introduction?.hex
            let sealed = ArmoredMessage.sealedMail(try seal(try sealedText(enclosing: blocks), key))
            guard isBox else {
                fields[.subject] = SealedMailText.subject
                let text = try SealedMailText.armored(sealed.encoded)
                return message(group, kind: .rfc5322, fields: fields, blocks: [], body: text, isSealed: true)
            }
            return message(group, kind: .raw, fields: fields, blocks: [], body: sealed.encoded, isSealed: true)
        }
    }

    /// The message for whoever made a reply block: no address, and what is sealed needs no further key.
    func reply(enclosing blocks: [[UInt8]]) -> ComposedMessage {
        ComposedMessage(
            recipients: [.drop], demands: PathDemands(), bodyKind: bodyKind, fields: plainFields, replyBlocks: blocks,
            body: body, leftOut: leftOut, isSealed: false)
    }

    /// The message for a reply block's maker, sealed to `key` besides.
    func reply(enclosing blocks: [[UInt8]], sealedTo key: KEMPublicKey, seal: Seal) throws -> ComposedMessage {
        let sealed = ArmoredMessage.sealedMail(try seal(try sealedText(enclosing: blocks), key))
        return ComposedMessage(
            recipients: [.drop], demands: PathDemands(), bodyKind: .raw, fields: [:], replyBlocks: [],
            body: sealed.encoded, leftOut: leftOut, isSealed: true)
    }

    /// Recipients that one message can serve.
    struct Group {
        let errand: Errand
        let key: KEMPublicKey?
        let introduction: MailboxToken?
    }

    /// By key first, so that everybody can open what he gets, then by exit.
    static func groups(of correspondents: [Correspondent], planner: PacketPlanner) throws -> [Group] {
        guard !correspondents.isEmpty else { throw EnvelopeError.noRecipient }
        guard correspondents.count <= MessageLimits.recipients else { throw EnvelopeError.tooManyRecipients }
        guard Set(correspondents.map(\.address)).count == correspondents.count else {
            throw EnvelopeError.duplicateRecipient
        }
        var keys: [KEMPublicKey?] = []
        for one in correspondents where !keys.contains(one.key) { keys.append(one.key) }
        return try keys.flatMap { key in
            let those = correspondents.filter { $0.key == key }
            return try planner.errands(those.map(\.address)).map { errand in
                // A mailbox has its errand for itself; to others an introduction means nothing.
                let token = errand.recipients.first.flatMap { first in
                    first.kind == .box ? those.first { $0.address == first }?.introduction : nil
                }
                return Group(errand: errand, key: key, introduction: token)
            }
        }
    }

    private func message(
        _ group: Group, kind: BodyKind, fields: [SenderField: String], blocks: [[UInt8]], body: [UInt8], isSealed: Bool
    ) -> ComposedMessage {
        ComposedMessage(
            recipients: group.errand.recipients, demands: group.errand.demands, bodyKind: kind, fields: fields,
            replyBlocks: blocks, body: body, leftOut: leftOut, isSealed: isSealed)
    }

    private var bodyKind: BodyKind {
        if case .mail = content { .rfc5322 } else { .raw }
    }

    private var plainFields: [SenderField: String] {
        switch content {
        case .mail(let fields, _), .raw(let fields, _): fields
        }
    }

    private var body: [UInt8] {
        switch content {
        case .mail(_, let body), .raw(_, let body): body
        }
    }

    private func sealedText(enclosing blocks: [[UInt8]]) throws -> [UInt8] {
        switch content {
        case .mail(let fields, let body): try SealedMailText.mail(fields: fields, body: body, enclosing: blocks)
        case .raw(let fields, let body): try SealedMailText.mail(fields: fields, raw: body, enclosing: blocks)
        }
    }
}
