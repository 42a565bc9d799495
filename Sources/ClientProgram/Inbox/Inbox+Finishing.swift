// From a message's bytes to a message that can be read: written to a file of its own, read once to its end, so that nothing
// is shown that turns out to be damaged half-way, and then written down.

internal import Daemon
private import Glibc
internal import Messages
internal import Spool
internal import WireFormat

extension Inbox {
    /// Puts a complete message together, group by group, and removes its parts.
    func rebuild(_ name: MessageID, keys: Keyring?) throws -> InboxOutcome {
        guard let partial = try spool.readMessage(name), partial.isComplete else { return .known(name) }
        let outcome: InboxOutcome
        if let collected = try collected(name) {
            do {
                outcome = try finish(name, collected.origin, surb: nil, keys: keys) { (file) throws in
                    try write(partial, collected.cut, to: &file)
                }
            } catch let error as ErasureError {
                outcome = .refused(.malformed("its parts do not fit together (\(error))"))
            } catch let error as PayloadError {
                outcome = .refused(.malformed(error.rawValue))
            } catch is WireError {
                outcome = .refused(.malformed("its parts do not fit together"))
            } catch is DamagedPart {
                outcome = .refused(.damagedFile)
            }
        } else {
            outcome = .refused(.malformed("nothing is known any more of where it came from"))
        }
        // The message is stored, or no more parts can help. A crash before this repeats the work and finds it done.
        let forgetAfter = clock() + Self.partLife
        _ = try spool.performAndWait([
            .completeMessage(message: name, forgetAfter: forgetAfter, deliveries: [])
        ])
        try forget(name)
        return outcome
    }

    /// A part of a complete message does not open any more, so that the message never will.
    private struct DamagedPart: Error {}

    private func shares(_ message: MessageID, group: Int) throws -> [StoredShare] {
        do throws(SpoolError) {
            return try spool.readShares(message: message, group: group)
        } catch {
            if error == .damaged { throw DamagedPart() }
            throw error
        }
    }

    private func write(_ partial: PartialMessage, _ cut: ArrivalCut, to file: inout SealedFileWriter) throws {
        if cut == .pieces {
            for group in 0..<partial.groupCount {
                for share in try shares(partial.message, group: group) {
                    try file.append(try PieceLayout.piece(share.bytes))
                }
            }
            return
        }
        var assembler = MessageAssembler(
            layout: try PartLayout(messageLength: partial.length, capacity: cut == .full ? .full : .injected))
        while let group = assembler.nextGroup {
            let shares = try shares(partial.message, group: group.number)
            try file.append(
                try assembler.data(from: shares.map { ErasureCode.Share(index: $0.index, bytes: $0.bytes) }))
        }
    }

    /// Writes a message's bytes to a file, checks them and writes the message down.
    /// - Parameter keys: open what is sealed besides; without them it stays sealed.
    func finish(
        _ name: MessageID, _ origin: MessageOrigin, surb: SURBID?, keys: Keyring?,
        write: (inout SealedFileWriter) throws -> Void
    ) throws -> InboxOutcome {
        guard try store.size() < ReceivedStore.sizeLimit else {
            throw CommandFailure(
                "the messages that wait to be read take \(ReceivedStore.sizeLimit >> 20) MiB; read them with "
                    + "`nightjar receive` first", code: .temporary)
        }
        let folder = try store.folder()
        let file = try Self.newFile(in: folder, write)
        var isKept = false
        defer { if !isKept { try? folder.remove(file.name) } }
        let content: CheckedMessage
        do {
            content = try CheckedMessage(folder, file)
        } catch let error as MessageError {
            return try refuse(name, origin, .malformed("\(error)"))
        }
        switch content.envelope.bodyKind {
        case .receipt: return try takeReceipt(name, origin, content, surb)
        case .statusQuery: return try refuse(name, origin, .wrongWay("a question that only exits answer"))
        case .nym where origin.isOfNym: break
        case .nym: return try refuse(name, origin, .wrongWay("a nymserver's packet, and not for a nym of yours"))
        case .rfc5322, .raw: break
        }
        guard origin != .identity(Self.receiptIdentity) else {
            return try refuse(name, origin, .wrongWay("an exit sent something else than a receipt"))
        }
        guard content.envelope.bodyKind == .nym || !origin.isOfNym else {
            return try refuse(name, origin, .wrongWay("a nymserver sent something else than its packets"))
        }
        if let opened = try openSealed(content, folder, file, keys: keys) {
            let inner = try Self.newFile(in: folder) { (file) throws in try file.append(opened.encoded) }
            do {
                let checked = try CheckedMessage(folder, inner)
                return try keep(name, origin, key: opened.key, checked, inner)
            } catch is MessageError {
                // What was sealed makes no message: it is given as it came.
                try folder.remove(inner.name)
            }
        }
        isKept = true
        return try keep(name, origin, key: nil, content, file)
    }

    private static func newFile(
        in folder: SealedFolder, _ write: (inout SealedFileWriter) throws -> Void
    ) throws -> SealedFileReference {
        do {
            var writer = try folder.makeFile()
            try write(&writer)
            return folder.reference(try writer.finish())
        } catch SpoolError.system(_, _, let code) where [ENOSPC, EDQUOT, EFBIG].contains(code) {
            throw CommandFailure(
                "no room on the disk for what has come; make room and try again (nothing is lost)", code: .temporary)
        }
    }

    private func keep(
        _ name: MessageID, _ origin: MessageOrigin, key: String?, _ content: CheckedMessage,
        _ file: SealedFileReference
    ) throws -> InboxOutcome {
        let record = ReceivedRecord(
            origin: origin, key: key, kind: content.envelope.bodyKind, received: clock(), size: content.bodyLength,
            replyBlocks: content.envelope.replyBlocks.count, file: file)
        return try store.add(name, record, now: clock()) ? .message(name) : .known(name)
    }

    private func takeReceipt(
        _ name: MessageID, _ origin: MessageOrigin, _ content: CheckedMessage, _ surb: SURBID?
    ) throws -> InboxOutcome {
        // Other reply blocks are given to people, who must not be able to write receipts.
        guard origin == .identity(Self.receiptIdentity) else {
            return try refuse(name, origin, .wrongWay("it says to be a receipt, but comes from no exit"))
        }
        guard let receipt = try? Receipt(decoding: content.beginning), content.beginning.count == content.bodyLength
        else { return try refuse(name, origin, .malformed("the receipt is not well-formed")) }
        try receipts(receipt, surb, clock())
        try remember(name, origin, .receipt)
        return .receipt(receipt)
    }

    /// Nothing is kept, but it is known when it comes again.
    private func refuse(_ name: MessageID, _ origin: MessageOrigin, _ error: InboxError) throws -> InboxOutcome {
        try remember(name, origin, .raw)
        return .refused(error)
    }

    private func remember(_ name: MessageID, _ origin: MessageOrigin, _ kind: BodyKind) throws {
        let record = ReceivedRecord(
            origin: origin, key: nil, kind: kind, received: clock(), size: 0, replyBlocks: 0,
            file: nil)
        try store.remember(name, record, now: clock())
    }

    /// What is inside a message whose body is a sealed mail; nil if it is none, or none of ours.
    private func openSealed(
        _ content: CheckedMessage, _ folder: SealedFolder, _ file: SealedFileReference, keys: Keyring?
    ) throws -> (key: String, encoded: [UInt8])? {
        guard let keys, content.envelope.bodyKind == .raw, SealedMailContent.isSealed(content.beginning) else {
            return nil
        }
        // A sealed mail is sealed as one: this is the one place where a body is in memory, at most 8 MiB of it.
        guard case .sealedMail(let sealed)? = try? ArmoredMessage(decoding: try MessageReading(folder, file).rest()),
            let (key, mail) = try keys.openMail(sealed), let encoded = try SealedMailContent(mail).encodedIfPossible()
        else { return nil }
        return (key, encoded)
    }
}

/// A message that was read to its end once.
struct CheckedMessage {
    let envelope: Envelope
    let bodyLength: Int
    /// The first bytes of the body: all of a receipt, and enough to see what a body is.
    let beginning: [UInt8]

    private static let beginningSize = 16 << 10

    /// Reads the whole of it.
    /// - Throws: `MessageError` if it is not well-formed.
    init(_ folder: SealedFolder, _ file: SealedFileReference) throws {
        let reading = try MessageReading(folder, file)
        envelope = reading.envelope
        bodyLength = reading.bodyLength
        var beginning: [UInt8] = []
        while let piece = try reading.next() { beginning += piece.prefix(Self.beginningSize - beginning.count) }
        self.beginning = beginning
    }
}
