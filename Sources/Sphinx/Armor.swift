// Text form of binary things that travel in mail: BEGIN and END lines around base64. Mail programs quote, wrap and
// change line ends, so reading is lenient about everything around the base64 and strict about the base64 itself.

internal import WireFormat

/// What a block of armor holds.
public enum ArmorKind: String, CaseIterable, Sendable {
    case replyBlock = "NIGHTJAR REPLY BLOCK"
    case message = "NIGHTJAR MESSAGE"
    case publicKey = "NIGHTJAR PUBLIC KEY"
    case contact = "NIGHTJAR CONTACT"
}

/// Writes and reads armor.
public enum Armor {
    /// Most bytes that one block may hold.
    public static let maximumSize = 1 << 20

    /// BEGIN line, base64 in 64 columns, END line, each ended by LF.
    public static func encode(_ bytes: [UInt8], kind: ArmorKind) -> String {
        (["-----BEGIN \(kind.rawValue)-----"] + Base64.lines(bytes) + ["-----END \(kind.rawValue)-----"])
            .joined(separator: "\n") + "\n"
    }

    /// All whole blocks of `kind` in `text`, which may be quoted with `> `, have CRLF, and hold other text between blocks.
    /// A block that does not decode is left out and counted in `damaged`.
    public static func decode(_ text: String, kind: ArmorKind) -> (blocks: [[UInt8]], damaged: Int) {
        var blocks: [[UInt8]] = []
        var damaged = 0
        var body: [UInt8]?
        for line in text.utf8.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 10 || $0 == 13 }) {
            var line = line[...]
            while let first = line.first, first == UInt8(ascii: ">") || first == 32 || first == 9 {
                line = line.dropFirst()
            }
            while let last = line.last, last == 32 || last == 9 { line = line.dropLast() }
            if line.elementsEqual("-----BEGIN \(kind.rawValue)-----".utf8) {
                if body != nil { damaged += 1 }
                body = []
            } else if line.elementsEqual("-----END \(kind.rawValue)-----".utf8) {
                if let encoded = body, let bytes = Base64.decode(String(decoding: encoded, as: UTF8.self)),
                    !bytes.isEmpty
                {
                    blocks.append(bytes)
                } else if body != nil {
                    damaged += 1
                }
                body = nil
            } else if body != nil {
                body?.append(contentsOf: line)
                if let count = body?.count, count > maximumSize * 4 / 3 + 4 {
                    damaged += 1
                    body = nil
                }
            }
        }
        if body != nil { damaged += 1 }
        return (blocks, damaged)
    }
}
