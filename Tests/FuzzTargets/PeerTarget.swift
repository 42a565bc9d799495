import Directory
import Exits
import Messages
import MixCrypto
import NymProtocol
import WireFormat

/// The readers of what comes in messages, from owners of nyms and mailboxes, and over connections of mail. The first byte of
/// an input says which one reads the rest. Formats of one size have zeros behind the rest, so that inputs stay short.
public enum PeerTarget: UInt8, CaseIterable, Sendable {
    case nymRequest
    case nymOpening
    case nymPacket
    case nymSynopsis
    case nymMail
    case nymAccount
    case nymRanges
    case nymText
    case optOuts
    case names
    case mailText
    case message
    case payload
    case part
    case receipt
    case mailboxPolicy
    case mailboxBlock
    case mailboxRequest
    case armored
    case mailServer
    case lmtpClient
    case mailProgram
    case listener
    case dialer

    /// Gives `input` to its reader and traps if what was read does not give the same again.
    public static func run(_ input: [UInt8]) {
        guard let first = input.first, let target = PeerTarget(rawValue: first % UInt8(allCases.count)) else { return }
        target.read(Array(input.dropFirst()))
    }

    private func read(_ bytes: [UInt8]) {
        switch self {
        case .nymRequest, .nymOpening, .nymPacket, .nymSynopsis, .nymMail, .nymAccount, .nymRanges, .nymText:
            if let nyms = FuzzNyms.made { nyms.read(bytes, as: self) }
        case .optOuts: Self.readOptOuts(bytes)
        case .names: Self.readNames(bytes)
        case .mailText: Self.readMail(bytes)
        case .message: Self.readMessage(bytes)
        case .mailServer: MailDialogue.server(bytes)
        case .lmtpClient: MailDialogue.lmtp(bytes)
        case .mailProgram: MailDialogue.program(bytes)
        case .listener: LinkDialogue.listener(bytes)
        case .dialer: LinkDialogue.dialer(bytes)
        default: readRecord(bytes)
        }
    }

    /// What nodes read in payloads, in blocks and in mailboxes.
    private func readRecord(_ bytes: [UInt8]) {
        switch self {
        case .payload:
            let whole = Self.padded(bytes, PayloadSize.content)
            guard let content = try? PayloadContent(decoding: whole) else { return }
            precondition((try? content.encoded()) == whole, "a payload changed on the way")
        case .part:
            guard let part = try? Part(decoding: bytes[...], capacity: .injected) else { return }
            precondition(part.encoded == bytes, "a part changed on the way")
            let key = SymmetricSecret(copying: [UInt8](repeating: 9, count: 32))
            guard let sealed = try? SealedPart.seal(part, messageKey: key) else { return }
            precondition((try? SealedPart.open(sealed, messageKey: key)) == part, "a sealed part changed on the way")
        case .receipt:
            guard let receipt = try? Receipt(decoding: bytes) else { return }
            precondition(receipt.encoded == bytes, "a receipt changed on the way")
        case .mailboxPolicy:
            guard let policy = try? MailboxPolicy(decoding: bytes) else { return }
            precondition(policy.encoded == bytes, "a policy changed on the way")
        case .mailboxBlock:
            guard let block = try? MailboxBlock(decoding: Self.padded(bytes, MailboxBlock.size)) else { return }
            precondition((try? MailboxBlock(decoding: block.encoded)) == block, "a block changed on the way")
        case .mailboxRequest: Self.readMailboxRequest(Self.padded(bytes, MailboxRequest.size))
        case .armored:
            guard let message = try? ArmoredMessage(decoding: bytes) else { return }
            precondition(message.encoded == bytes, "an armored message changed on the way")
        default: break
        }
    }

    /// The request with a good key and signature: what an owner who knows the format can send.
    private static func readMailboxRequest(_ bytes: [UInt8]) {
        guard let nyms = FuzzNyms.made, let node = NodeID(bytes[12..<44]) else { return }
        let end = bytes.count - 64
        var signed = bytes
        signed.replaceSubrange(44..<76, with: nyms.key.verificationKey.bytes)
        guard let signature = try? nyms.key.sign(Array("nightjar/1 mailbox\n".utf8) + signed[..<end]) else { return }
        signed.replaceSubrange(end..., with: signature)
        guard let request = try? UnverifiedMailboxRequest(signed) else { return }
        let time = Timestamp(milliseconds: Int64(bytes[4..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } & .max >> 1))
        guard let verified = try? request.verify(node: node, at: time) else {
            preconditionFailure("a request that was signed does not count")
        }
        precondition(verified.time == time && verified.key == nyms.key.verificationKey, "a request of somebody else")
        precondition((try? request.verify(node: node, at: time + .hours(1))) == nil, "an old request counts")
    }

    private static func readOptOuts(_ bytes: [UInt8]) {
        guard let network = FuzzNetwork.made else { return }
        let hashes = stride(from: 0, to: bytes.count - OptOutHash.byteCount + 1, by: OptOutHash.byteCount).prefix(64)
            .compactMap { OptOutHash(bytes[$0..<($0 + OptOutHash.byteCount)]) }
        guard let statement = try? network.statement(hashes) else {
            preconditionFailure("a few hashes make no statement")
        }
        precondition(statement.hashes == Set(hashes).sorted(), "a statement is not in order")
        let list = OptOutList(network: network.file.name, statements: [statement, statement])
        precondition(list.count == statement.hashes.count && list.nodes == 1, "a node was counted twice")
        for hash in hashes { precondition(list.holders(of: [hash]) == [statement.node], "an entry is not found") }
        precondition(list.holders(of: []).isEmpty, "nothing was found")
    }

    private static func readNames(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let address = OptOutAddress(text) {
            precondition(OptOutAddress(address.text) == address, "an address has a second canonical form")
            precondition(address.domain.isDomain && address.domain.host == address.host, "a host got lost")
            precondition(
                OptOutList(network: "testing").remembered(address) == false, "an empty list has an entry")
        }
        if let name = NymName(text) { precondition(name.text == text, "a name changed on the way") }
        if let address = NymAddress(text) {
            precondition(NymAddress(address.description) == address, "a nym changed on the way")
        }
        if let address = try? Address(text) {
            precondition((try? Address(canonical: address.description)) == address, "an address changed on the way")
        }
        if let recipient = try? MailRecipient(text) {
            precondition((try? MailRecipient(recipient.address)) == recipient, "a recipient changed on the way")
            precondition(!recipient.plainUser.isEmpty, "a recipient without a name")
        }
        if let target = try? ReplyTarget(text) { precondition(target.text == text, "a target of a second spelling") }
        let encoded = EncodedWord.encode(text)
        precondition(encoded.utf8.allSatisfy { $0 < 0x80 }, "an encoded word is not ASCII")
    }

    /// Mails of people and of strangers: what of their headers is read.
    private static func readMail(_ bytes: [UInt8]) {
        if let addresses = try? MailAddresses.recipients(of: bytes) {
            precondition(addresses.count <= 64, "a long list of addresses")
        }
        if let header = try? SubmittedHeader(bytes) {
            precondition(
                (try? SubmittedHeader(header.content { $0.count > 20 })) != nil, "what is kept of a mail is none")
        }
        guard let mail = try? OutgoingMail(bytes) else { return }
        var check = MailBodyCheck()
        precondition((try? check.consume(mail.body)) != nil && (try? check.finish()) != nil, "a body that mail refuses")
        guard let envelope = try? mail.envelope(to: [.drop]) else { return }
        precondition((try? Envelope(decoding: envelope.encoded[...])) == envelope, "an envelope changed on the way")
    }

    /// An encoded message, in chunks of a size that the first byte says.
    private static func readMessage(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let message = Array(bytes.dropFirst())
        var position = 0
        let source: MessageReader.Source = {
            guard position < message.count else { return nil }
            let end = min(message.count, position + 1 + Int(first) * Int(first))
            defer { position = end }
            return Array(message[position..<end])
        }
        var reader = MessageReader(length: message.count, bodyLimit: 1 << 20)
        guard let envelope = try? reader.envelope(from: source) else { return }
        var body: [UInt8] = []
        do {
            while let chunk = try reader.nextBodyChunk(from: source) {
                precondition(!chunk.isEmpty && chunk.count <= MessageLimits.bodyChunk, "a chunk of another size")
                body += chunk
                precondition(body.count <= reader.bodyLength, "a body grew")
            }
        } catch {
            return
        }
        precondition(body.count == reader.bodyLength, "a body ended early")
        guard let again = try? MessageEncoder.encode(envelope, body: body) else {
            preconditionFailure("a message that was read cannot be written")
        }
        if message[1] == 0, again[1] == 0 { precondition(again == message, "a message of a second spelling") }
        if envelope.bodyKind == .receipt { _ = try? Receipt(decoding: body) }
    }

    /// `bytes` and zeros, together `size` bytes.
    static func padded(_ bytes: [UInt8], _ size: Int) -> [UInt8] {
        Array(bytes.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - bytes.count))
    }
}
