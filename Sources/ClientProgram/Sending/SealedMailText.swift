// What is inside a sealed mail, an RFC 5322 text with its header, and the mail around it that an exit delivers.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// Texts of sealed mail. Pure but for the boundary's randomness.
enum SealedMailText {
    /// Nobody can answer to it; .invalid (RFC 2606) says so to programs.
    static let sender = "anonymous@nightjar.invalid"
    /// The subject of the mail around it; the real one is inside.
    static let subject = "Sealed message"

    /// A mail with its header. Reply blocks are a second part, as armor: a mail program shows an attachment, and
    /// `nightjar reply` finds them in the text.
    static func mail(fields: [SenderField: String], body: [UInt8], enclosing blocks: [[UInt8]]) throws -> [UInt8] {
        let headers = try HeaderRules.senderHeaders(from: fields)
        let mime = headers.filter { SenderField(headerName: $0.name)?.isMIME == true }
        var text = try HeaderRules.from(displayName: fields[.displayName], address: sender).serialized
        for header in headers where SenderField(headerName: header.name)?.isMIME == false { text += header.serialized }
        guard !blocks.isEmpty else {
            for header in mime { text += header.serialized }
            return text + lineEnd + body
        }
        var generator = SystemRandomNumberGenerator()
        let boundary = "=_" + Hex.encode(generator.bytes(16))
        text += try HeaderField("MIME-Version", "1.0").serialized
        text += try HeaderField("Content-Type", "multipart/mixed; boundary=\"\(boundary)\"").serialized
        text += lineEnd + line("--\(boundary)")
        for header in mime where header.name != SenderField.mimeVersion.name { text += header.serialized }
        text += lineEnd + body
        // The line end before a boundary belongs to the boundary.
        text += lineEnd + line("--\(boundary)")
        text += try HeaderField("Content-Type", "text/plain; charset=us-ascii; name=\"reply-blocks.asc\"").serialized
        text += try HeaderField("Content-Disposition", "attachment; filename=\"reply-blocks.asc\"").serialized
        text += lineEnd
        for block in blocks { text += lines(Armor.encode(block, kind: .replyBlock)) }
        return text + lineEnd + line("--\(boundary)--")
    }

    /// The same for bytes that are no mail.
    static func mail(fields: [SenderField: String], raw: [UInt8], enclosing blocks: [[UInt8]]) throws -> [UInt8] {
        try mail(fields: fields.merging(rawFields) { $1 }, body: rawBody(raw), enclosing: blocks)
    }

    /// What a mail says of a body that is `rawBody`.
    static let rawFields: [SenderField: String] = [
        .mimeVersion: "1.0", .contentType: "application/octet-stream", .contentTransferEncoding: "base64",
    ]

    /// Bytes as lines of base64.
    static func rawBody(_ bytes: [UInt8]) -> [UInt8] { Base64.lines(bytes, columns: 76).flatMap { line($0) } }

    /// The body of the mail that carries `bytes` as armor.
    /// - Throws: `SendError.sealedTooLarge`.
    static func armored(_ bytes: [UInt8]) throws(SendError) -> [UInt8] {
        guard bytes.count <= Armor.maximumSize else { throw .sealedTooLarge(bytes.count, limit: Armor.maximumSize) }
        let hint = "This message is sealed to your key. Save it and open it with: nightjar decode FILE"
        return line(hint) + lineEnd + lines(Armor.encode(bytes, kind: .message))
    }

    private static let lineEnd: [UInt8] = [0x0D, 0x0A]
    private static func line(_ text: String) -> [UInt8] { Array(text.utf8) + lineEnd }
    /// `text` with LF as CRLF.
    private static func lines(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + text.utf8.count / 64 + 64)
        for byte in text.utf8 {
            if byte == 0x0A { bytes.append(0x0D) }
            bytes.append(byte)
        }
        return bytes
    }
}
