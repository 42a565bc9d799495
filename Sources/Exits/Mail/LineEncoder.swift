// Line ends and dots. Every line end in a body, whether CRLF, LF or CR, is written as one and the same, before dots are
// looked at: a body cannot smuggle an end of message through a server that reads bare line ends (`LF . LF`)
// differently.

/// Rewrites line ends piece by piece and doubles leading dots (RFC 5321 section 4.5.2).
public struct LineEncoder: Sendable {
    /// What the lines are written for.
    public enum Form: Sendable {
        /// CRLF, leading dots doubled: the data of an SMTP transaction.
        case smtp
        /// LF, dots as they are: a file.
        case file
    }

    private let form: Form
    private var atLineStart = true
    private var afterReturn = false

    public init(_ form: Form) { self.form = form }

    /// The encoded form of the next piece, at most twice as long.
    public mutating func encode(_ piece: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(piece.count + piece.count / 32 + 2)
        for byte in piece {
            switch byte {
            case 0x0A where afterReturn:
                afterReturn = false
            case 0x0A, 0x0D:
                endLine(&output)
                afterReturn = byte == 0x0D
            default:
                if atLineStart, byte == UInt8(ascii: "."), form == .smtp { output.append(byte) }
                output.append(byte)
                atLineStart = false
                afterReturn = false
            }
        }
        return output
    }

    /// What is missing to end the last line; nothing if it was ended. The encoder is then at the start of a new text.
    public mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        if !atLineStart { endLine(&output) }
        afterReturn = false
        return output
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        if form == .smtp { output.append(0x0D) }
        output.append(0x0A)
        atLineStart = true
    }
}
