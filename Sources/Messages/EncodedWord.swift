// Encoded words (RFC 2047): how text outside ASCII stands in header fields. Written by clients, checked by exits, which
// must not pass on a word whose decoded form would hold a line break or other control characters.

internal import WireFormat

/// Encoded words of RFC 2047.
public enum EncodedWord {
    /// Longest encoded word (RFC 2047 section 2).
    public static let maximumLength = 75
    /// Bytes of text in one of our words: with the longest field name it stays within a line of 76.
    private static let bytesPerWord = 30

    /// `text` as words `=?utf-8?b?...?=` with single spaces between them, cut between characters' code points.
    public static func encode(_ text: String) -> String {
        var words: [String] = []
        var piece: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if piece.count + bytes.count > bytesPerWord {
                words.append(word(piece))
                piece = []
            }
            piece += bytes
        }
        if !piece.isEmpty { words.append(word(piece)) }
        return words.joined(separator: " ")
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?utf-8?b?\(Base64.encode(bytes))?=" }

    /// Whether `text` would be misread as it is: it has characters outside ASCII, or `=?` that is not an encoded word.
    public static func needsEncoding(_ text: String) -> Bool {
        text.utf8.contains { $0 > 0x7F } || !isWellFormed(text)
    }

    /// Whether every `=?` in `text` begins an encoded word that stands alone between spaces, in a known character set,
    /// and decodes to text without control characters. Text without `=?` is well-formed.
    public static func isWellFormed(_ text: String) -> Bool {
        text.utf8.split(separator: 0x20).allSatisfy { token in
            let bytes = Array(token)
            guard zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0x3D && $1 == 0x3F }) else { return true }
            return isWord(bytes)
        }
    }

    /// Character sets in which a byte below 0x20 is a control character and nothing else, so that decoded text can be
    /// checked here; UTF-7, UTF-16 and their kin could hide line breaks.
    private static let charsets: Set<String> = Set(
        ["us-ascii", "utf-8", "koi8-r", "koi8-u", "euc-jp", "euc-kr", "shift_jis", "gb2312", "gbk", "gb18030", "big5"]
            + (1...16).map { "iso-8859-\($0)" } + (1250...1258).map { "windows-\($0)" })
    /// Switched by escape sequences, so that ESC is part of them.
    private static let escapingCharsets: Set<String> = ["iso-2022-jp", "iso-2022-kr"]

    /// Whether `bytes` are one encoded word.
    private static func isWord(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= maximumLength, bytes.starts(with: [0x3D, 0x3F]),
            bytes.suffix(2).elementsEqual([0x3F, 0x3D])
        else { return false }
        let parts = bytes.dropFirst(2).dropLast(2).split(separator: 0x3F, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty else { return false }
        // RFC 2231 section 5 lets a language follow the character set behind an asterisk.
        let name = parts[0].split(separator: 0x2A, maxSplits: 1, omittingEmptySubsequences: false)
        let charset = String(decoding: name[0], as: UTF8.self).lowercased()
        guard name.count == 1 || name[1].allSatisfy({ isAlphanumeric($0) || $0 == 0x2D }) else { return false }
        guard charsets.contains(charset) || escapingCharsets.contains(charset) else { return false }
        let decoded: [UInt8]?
        switch parts[1] {
        case [0x62], [0x42]: decoded = Base64.decode(String(decoding: parts[2], as: UTF8.self))
        case [0x71], [0x51]: decoded = quoted(parts[2])
        default: decoded = nil
        }
        guard let decoded else { return false }
        if charset == "utf-8" {
            guard let text = String(validating: decoded, as: UTF8.self) else { return false }
            return !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        let escape: UInt8? = escapingCharsets.contains(charset) ? 0x1B : nil
        return decoded.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == escape }
    }

    /// Decodes the Q encoding (RFC 2047 section 4.2); nil if it is not that.
    private static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            switch text[index] {
            case 0x3D:
                guard text.endIndex - index >= 3,
                    let byte = UInt8(String(decoding: text[index + 1...index + 2], as: UTF8.self), radix: 16),
                    text[index + 1] != 0x2B, text[index + 1] != 0x2D
                else { return nil }
                decoded.append(byte)
                index += 3
            case 0x5F:
                decoded.append(0x20)
                index += 1
            case 0x21...0x7E:
                decoded.append(text[index])
                index += 1
            default: return nil
            }
        }
        return decoded
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
