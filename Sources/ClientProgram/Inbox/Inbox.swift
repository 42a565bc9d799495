// What comes for a user becomes messages here: parts are collected on the disk, whole messages are checked and put where
// `receive` finds them. When a call returns, what it took is durable and may be acknowledged to whoever sent it; when it
// throws, nothing was taken and the same thing may come again. Everything that comes is hostile.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import Sphinx
internal import Spool
internal import WireFormat

/// Is told what exits say about sent messages, and by which reply block it came. May be told the same twice.
typealias ReceiptSink = @Sendable (_ receipt: Receipt, _ surb: SURBID?, _ now: Timestamp) throws -> Void

/// What became of a thing that came.
enum InboxOutcome: Equatable, Sendable {
    /// A message is complete and kept under this name.
    case message(MessageID)
    /// A part is kept: so many of so many that the message needs.
    case part(MessageID, held: Int, wanted: Int)
    /// The message or the part came before.
    case known(MessageID)
    /// An exit's receipt; the sink has it.
    case receipt(Receipt)
    /// Nothing can be made of it, now or later.
    case refused(InboxError)
}

/// What was taken.
struct Taken: Equatable, Sendable {
    let outcome: InboxOutcome
    var origin: MessageOrigin?
    /// Another answer came through the same reply block before: its holder used it twice, or a node did.
    var isSecondAnswer = false
}

/// An open inbox; no other process has it at the same time. It is opened for one poll or one command, not for longer, so
/// that `decode` works while `nightjar run` is there.
struct Inbox: Sendable {
    /// How long parts wait for the rest of their message.
    static let partLife = Interval.days(60)
    /// Identity whose reply blocks only exits get.
    static let receiptIdentity = "receipts"

    let spool: Spool
    let records: RecordStore
    let store: ReceivedStore
    let clock: @Sendable () -> Timestamp
    let receipts: ReceiptSink
    let limits: CollectingLimits
    /// Why a message that is complete could not be stored yet; it is tried again whenever the inbox is opened.
    private(set) var unfinished: (any Error)?

    /// Finishes what a crash had interrupted and removes what is too old.
    /// - Parameters:
    ///   - completed: messages that were complete in the spool and not yet stored.
    ///   - limits: those of the spool.
    init(
        spool: Spool, records: RecordStore, store: ReceivedStore, completed: [MessageID],
        limits: CollectingLimits = CollectingLimits(), clock: @escaping @Sendable () -> Timestamp,
        receipts: @escaping ReceiptSink
    ) throws {
        self.spool = spool
        self.records = records
        self.store = store
        self.clock = clock
        self.receipts = receipts
        self.limits = limits
        let now = clock()
        _ = try spool.performAndWait([.expire(now: now)])
        try records.expire(now: now)
        try store.removeOrphans()
        for name in completed {
            // One for which there is no room keeps nobody from reading the others.
            do { _ = try rebuild(name, keys: nil) } catch { unfinished = unfinished ?? error }
        }
    }

    /// Finishes what was asked for and lets the inbox go.
    func close() { spool.close() }

    // MARK: Taking

    /// Takes an answer to one of our reply blocks.
    /// - Parameter again: a message of one part that is not kept any more is stored once more.
    func take(_ record: ReplyRecord, keys: Keyring, again: Bool = false) throws -> Taken {
        let opened: OpenedReply?
        do throws(SURBError) {
            opened = try keys.openReply(record)
        } catch {
            return Taken(outcome: .refused(error == .notOurs ? .notOurs : .damaged))
        }
        guard let opened else { return Taken(outcome: .refused(.notOurs)) }
        let origin = MessageOrigin.identity(opened.identity)
        let isSecond = try noteAnswer(record)
        let outcome: InboxOutcome
        do {
            let (part, cut) = try Self.part(of: opened)
            outcome = try take(part, cut, origin, surb: record.surb, keys: keys, again: again)
        } catch let error as PayloadError {
            outcome = .refused(.malformed(error.rawValue))
        }
        return Taken(outcome: outcome, origin: origin, isSecondAnswer: isSecond)
    }

    /// Takes a mailbox's piece of a message that was sent to it.
    func take(_ piece: MailFragment, mailbox: String, keys: Keyring) throws -> Taken {
        let origin = MessageOrigin.mailbox(mailbox)
        let outcome: InboxOutcome
        if piece.count == 1 {
            outcome = try single(piece.bytes, id: piece.message, .pieces, origin, keys: keys, again: false)
        } else {
            outcome = try collect(
                CollectedMessage(origin: origin, message: piece.message, cut: .pieces, since: clock()),
                row: { PieceLayout(count: piece.count).row(piece.index, of: $0) },
                share: PieceLayout.share(piece.bytes), keys: keys)
        }
        return Taken(outcome: outcome, origin: origin)
    }

    /// Takes a mail that was sealed to one of our public keys.
    func take(sealedMail bytes: [UInt8], keys: Keyring) throws -> Taken {
        guard let (key, mail) = try keys.openMail(bytes) else { return Taken(outcome: .refused(.otherKey)) }
        let origin = MessageOrigin.key(key)
        guard let encoded = try SealedMailContent(mail).encodedIfPossible() else {
            return Taken(outcome: .refused(.malformed("its header does not fit into a message")), origin: origin)
        }
        let outcome = try single(encoded, id: Self.id(of: bytes), .full, origin, keys: nil, again: true)
        return Taken(outcome: outcome, origin: origin)
    }

    /// Takes an encoded message out of a file.
    func take(message bytes: [UInt8], keys: Keyring) throws -> Taken {
        let outcome = try single(bytes, id: Self.id(of: bytes), .full, .file, keys: keys, again: true)
        return Taken(outcome: outcome, origin: .file)
    }

    // MARK: Steps

    private static func id(of bytes: [UInt8]) -> MessageID {
        Digest.sha256(bytes).withBytes {
            MessageID(copying: UnsafeRawBufferPointer(rebasing: $0[..<MessageID.byteCount]))
        }
    }

    /// The part in an answer, and the way it came.
    private static func part(of opened: OpenedReply) throws(PayloadError) -> (Part, ArrivalCut) {
        switch try PayloadContent(decoding: opened.content) {
        case .part(let part): return (part, .full)
        case .sealed(let sealed): return (try SealedPart.open(sealed, messageKey: opened.messageKey), .injected)
        case .dummy, .inject: throw .unknownKind
        }
    }

    /// Remembers that a block was answered; whether it was before, by something else.
    private func noteAnswer(_ record: ReplyRecord) throws -> Bool {
        let digest = Digest.sha256(record.payload).bytes
        if let old = try records.get(.answeredBlocks, record.surb.bytes) { return old != digest }
        let now = clock()
        try records.transaction {
            try $0.put(.answeredBlocks, record.surb.bytes, digest, expires: now + Self.partLife)
        }
        try ReplyBlockLog(records).noteAnswered(record.surb, at: now)
        return false
    }

    private func take(
        _ part: Part, _ cut: ArrivalCut, _ origin: MessageOrigin, surb: SURBID, keys: Keyring, again: Bool
    ) throws -> InboxOutcome {
        guard !part.layout.isSingle else {
            return try single(part.share, id: part.id, cut, origin, surb: surb, keys: keys, again: again)
        }
        return try collect(
            CollectedMessage(origin: origin, message: part.id, cut: cut, since: clock()),
            row: { name in
                PartRow(
                    message: name, group: part.group.number, groups: part.layout.groups, k: part.group.dataShares,
                    n: part.group.totalShares, index: part.index, messageLength: part.layout.messageLength)
            }, share: part.share, keys: keys)
    }

    /// A message that came whole needs no collecting.
    private func single(
        _ bytes: [UInt8], id: MessageID, _ cut: ArrivalCut, _ origin: MessageOrigin, surb: SURBID? = nil,
        keys: Keyring?, again: Bool
    ) throws -> InboxOutcome {
        let name = CollectedMessage.name(origin: origin, message: id, cut: cut)
        if let old = try store.record(name), old.file != nil || !again { return .known(name) }
        return try finish(name, origin, surb: surb, keys: keys) { (file) throws in try file.append(bytes) }
    }

    private func collect(
        _ collected: CollectedMessage, row: (MessageID) -> PartRow, share: [UInt8], keys: Keyring
    ) throws -> InboxOutcome {
        let name = collected.name
        if try store.record(name) != nil { return .known(name) }
        if try records.get(.collectedMessages, name.bytes) == nil {
            // Longer than the parts, which would mean nothing without it.
            try records.transaction {
                try $0.put(
                    .collectedMessages, name.bytes, collected.encoded, expires: collected.since + Self.partLife * 2)
            }
        }
        let part = row(name)
        let operation = SpoolOperation.acceptPart(
            tag: Self.tag(part, share), period: KeyPeriod(0), part: part, deadline: clock() + Self.partLife,
            share: share)
        var result = try spool.performAndWait([operation]).first
        if result == .full, try makeRoom(for: name) { result = try spool.performAndWait([operation]).first }
        switch result {
        case .partStored(complete: true): return try rebuild(name, keys: keys)
        case .partStored, .partDuplicate, .replay:
            guard let (held, wanted) = try progress(of: name) else {
                // The message was given up; its late parts are not collected anew.
                try forget(name)
                return .known(name)
            }
            // Complete and not stored: the disk was full then.
            return held == wanted ? try rebuild(name, keys: keys) : .part(name, held: held, wanted: wanted)
        case .partConflict, .partTooLarge:
            return .refused(.malformed("its parts do not fit together"))
        case .full:
            throw CommandFailure(
                "the inbox holds as many incomplete messages as it may, or the disk is full; make room, or see "
                    + "`nightjar fragments list`", code: .temporary)
        case .failed(let error): throw error
        default: throw SpoolError.malformed
        }
    }

    /// Names the part, so that the same one is known whenever it comes.
    private static func tag(_ part: PartRow, _ share: [UInt8]) -> ReplayTag {
        var writer = WireWriter(capacity: share.count + 64)
        writer.append(Array("nightjar/1 inbox part\n".utf8))
        writer.fixed(part.message)
        writer.integer(UInt32(clamping: part.group))
        writer.integer(UInt32(clamping: part.index))
        writer.append(share)
        return Digest.sha256(writer.bytes).withBytes { ReplayTag(copying: $0) }
    }

    /// Shares held and wanted; nil if nothing of the message is held.
    func progress(of name: MessageID) throws -> (held: Int, wanted: Int)? {
        guard let partial = try spool.readMessage(name), let cut = try collected(name)?.cut else { return nil }
        let held = partial.groups.values.reduce(0) { $0 + min($1.held, $1.k) }
        let wanted =
            cut == .pieces
            ? MailFragment.count(ofLength: partial.length)
            : try PartLayout(messageLength: partial.length, capacity: cut == .full ? .full : .injected).dataShares
        return (held, wanted)
    }

    /// What is written down about a message that is being collected.
    func collected(_ name: MessageID) throws -> CollectedMessage? {
        try records.get(.collectedMessages, name.bytes).map { try CollectedMessage(decoding: $0) }
    }

    /// Forgets what was written down when collecting began.
    func forget(_ name: MessageID) throws {
        try records.transaction { _ = try $0.remove(.collectedMessages, name.bytes) }
    }
}
