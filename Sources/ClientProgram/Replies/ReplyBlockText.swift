// Reply blocks in what people hand over: files of armor, files of bytes, and mails that have some in their text.

internal import Sphinx
internal import WireFormat

/// Reply blocks that were found, and what was around them.
struct ReplyBlockText {
    /// In the order of the text.
    var blocks: [SURB] = []
    /// Pieces that look like reply blocks and are none.
    var damaged = 0
    /// The text without the armor.
    var rest: [UInt8] = []

    private static let begin = "-----BEGIN \(ArmorKind.replyBlock.rawValue)-----"
    private static let end = "-----END \(ArmorKind.replyBlock.rawValue)-----"

    /// Looks through a text, or through the binary form: blocks of 7,224 bytes, one behind the other.
    init(_ bytes: [UInt8]) {
        let size = Geometry.suite1.surbSize
        // Text does not begin with the byte 1.
        if bytes.first == 1 {
            let whole = bytes.count / size * size
            for start in stride(from: 0, to: whole, by: size) { add(Array(bytes[start..<start + size])) }
            if whole < bytes.count { damaged += 1 }
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains(Self.begin) else {
            rest = bytes
            return
        }
        let (found, broken) = Armor.decode(text, kind: .replyBlock)
        damaged = broken
        for block in found { add(block) }
        rest = Self.withoutArmor(bytes)
    }

    /// The reply blocks in `text` as bytes, 7,224 each.
    static func blocks(in text: [UInt8]) -> [[UInt8]] { ReplyBlockText(text).blocks.map(\.encoded) }

    private mutating func add(_ bytes: [UInt8]) {
        do throws(SURBError) {
            blocks.append(try SURB(bytes))
        } catch {
            damaged += 1
        }
    }

    /// `bytes` without the lines from a BEGIN to its END. What is not closed stays.
    private static func withoutArmor(_ bytes: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        var inside: Int?
        var position = 0
        while position < bytes.count {
            let next = bytes[position...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            let line = trimmed(bytes[position..<next])
            if let start = inside {
                if line.elementsEqual(end.utf8) {
                    inside = nil
                } else if line.elementsEqual(begin.utf8) {
                    kept += bytes[start..<position]
                    inside = position
                }
            } else if line.elementsEqual(begin.utf8) {
                inside = position
            } else {
                kept += bytes[position..<next]
            }
            position = next
        }
        if let start = inside { kept += bytes[start...] }
        return kept
    }

    /// Without quoting marks, blanks and the line's end, as armor is read.
    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line.drop { $0 == UInt8(ascii: ">") || $0 == 0x20 || $0 == 0x09 }
        while let last = line.last, [0x20, 0x09, 0x0D, 0x0A].contains(last) { line = line.dropLast() }
        return line
    }
}
