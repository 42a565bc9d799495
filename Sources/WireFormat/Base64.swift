/// RFC 4648 section 4 base64 with padding, refusing every second spelling of a value.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    /// Text of `4 * ceil(count / 3)` characters without line breaks.
    public static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let a = bytes[index]
            let b = left > 1 ? bytes[index + 1] : 0
            let c = left > 2 ? bytes[index + 2] : 0
            text.append(alphabet[Int(a >> 2)])
            text.append(alphabet[Int((a & 3) << 4 | b >> 4)])
            text.append(left > 1 ? alphabet[Int((b & 15) << 2 | c >> 6)] : 0x3D)
            text.append(left > 2 ? alphabet[Int(c & 63)] : 0x3D)
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The encoding cut into lines of `columns` characters, the last one possibly shorter, without line ends.
    public static func lines(_ bytes: [UInt8], columns: Int = 64) -> [String] {
        let text = Array(encode(bytes).utf8)
        return stride(from: 0, to: text.count, by: columns).map { start in
            String(decoding: text[start..<min(start + columns, text.count)], as: UTF8.self)
        }
    }

    /// The bytes of `text`; nil for anything but the one canonical spelling.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        var index = 0
        while index < characters.count {
            let isLast = index + 4 == characters.count
            var padding = 0
            if isLast, characters[index + 3] == 0x3D { padding = characters[index + 2] == 0x3D ? 2 : 1 }
            var quad: [UInt8] = [0, 0, 0, 0]
            for offset in 0..<(4 - padding) {
                let value = values[Int(characters[index + offset])]
                guard value < 64 else { return nil }
                quad[offset] = value
            }
            // Bits that the padding leaves over must be zero, else one value would have several spellings.
            if padding == 1, quad[2] & 3 != 0 { return nil }
            if padding == 2, quad[1] & 15 != 0 { return nil }
            bytes.append(quad[0] << 2 | quad[1] >> 4)
            if padding < 2 { bytes.append((quad[1] & 15) << 4 | quad[2] >> 2) }
            if padding < 1 { bytes.append((quad[2] & 3) << 6 | quad[3]) }
            index += 4
        }
        return bytes
    }
}
