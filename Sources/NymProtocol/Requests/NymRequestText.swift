internal import WireFormat

/// A sealed request as the body of a mail: base64 between BEGIN and END lines.
public enum NymRequestText {
    private static let beginning = Array("-----BEGIN NIGHTJAR NYM REQUEST-----".utf8)
    private static let ending = Array("-----END NIGHTJAR NYM REQUEST-----".utf8)
    private static let columns = 76

    /// The body, lines of at most 76 characters ending in CRLF.
    public static func text(_ sealed: [UInt8]) -> [UInt8] {
        var text = beginning + [0x0D, 0x0A]
        text.reserveCapacity(sealed.count / 3 * 4 + sealed.count / 40 + 128)
        for line in Base64.lines(sealed, columns: columns) {
            text += line.utf8
            text += [0x0D, 0x0A]
        }
        return text + ending + [0x0D, 0x0A]
    }

    /// The sealed request in a mail or a body of one; nil if there is none, or one that is damaged or too large. Line
    /// ends may be LF or CRLF, with blanks before them. Of several the first counts.
    public static func find(in mail: [UInt8]) -> [UInt8]? {
        var encoded: [UInt8]?
        var position = 0
        while position < mail.count {
            let end = mail[position...].firstIndex(of: 0x0A) ?? mail.count
            var line = mail[position..<end]
            while let last = line.last, [0x0D, 0x20, 0x09].contains(last) { line = line.dropLast() }
            position = end + 1
            if encoded == nil {
                if line.elementsEqual(beginning) { encoded = [] }
            } else if line.elementsEqual(ending) {
                return Base64.decode(String(decoding: encoded ?? [], as: UTF8.self))
            } else {
                encoded?.append(contentsOf: line)
                guard (encoded?.count ?? 0) <= NymRequest.largestSealed / 3 * 4 + 4 else { return nil }
            }
        }
        return nil
    }
}
