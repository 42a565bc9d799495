// The body of a mail as SMTP carries it. The client brings a body into this form; the exit checks it again while it
// writes the body down.

/// Why a body cannot travel as lines of mail. Line numbers count from 1, within the body.
public enum MailBodyViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// CR without LF behind it.
    case bareCarriageReturn(line: Int)
    /// LF without CR before it.
    case bareLineFeed(line: Int)
    /// A byte of value 0.
    case zeroByte(line: Int)
    /// More than 998 bytes before the line's end.
    case lineTooLong(line: Int)
    /// The last line has no end.
    case noFinalLineEnd

    public var description: String {
        let encode = "send it as a mime attachment in base64 or quoted-printable"
        return switch self {
        case .bareCarriageReturn(let line):
            "line \(line) of the body has a carriage return without a line feed, which mail cannot carry; \(encode)"
        case .bareLineFeed(let line): "line \(line) of the body ends without a carriage return; end lines with crlf"
        case .zeroByte(let line): "line \(line) of the body has a zero byte, which mail cannot carry; \(encode)"
        case .lineTooLong(let line):
            "line \(line) of the body is longer than \(HeaderField.maximumLine) bytes, which mail cannot carry; "
                + encode
        case .noFinalLineEnd: "the last line of the body has no end; add one"
        }
    }
}

/// Checks a body in pieces (RFC 5321 sections 2.3.8 and 4.5.3.1.6, RFC 6152): lines of at most 998 bytes that end in
/// CRLF, no zero byte, any other byte allowed. Holds a few words of state, whatever the body's size.
public struct MailBodyCheck: Sendable {
    /// Whether a byte above 127 was seen: the mail then needs 8BITMIME.
    public private(set) var hasEightBit = false
    private var line = 1
    private var length = 0
    private var pendingReturn = false

    public init() {}

    /// Takes the next bytes of the body.
    public mutating func consume(_ bytes: some Sequence<UInt8>) throws(MailBodyViolation) {
        for byte in bytes {
            if pendingReturn {
                guard byte == 0x0A else { throw .bareCarriageReturn(line: line) }
                pendingReturn = false
                line &+= 1
                length = 0
                continue
            }
            switch byte {
            case 0x0D: pendingReturn = true
            case 0x0A: throw .bareLineFeed(line: line)
            case 0: throw .zeroByte(line: line)
            default:
                length += 1
                guard length <= HeaderField.maximumLine else { throw .lineTooLong(line: line) }
                if byte > 0x7F { hasEightBit = true }
            }
        }
    }

    /// Call behind the last bytes. An empty body is complete.
    public func finish() throws(MailBodyViolation) {
        guard !pendingReturn else { throw .bareCarriageReturn(line: line) }
        guard length == 0 else { throw .noFinalLineEnd }
    }
}

/// Brings a body into the form of the wire.
public enum MailBody {
    /// `bytes` with every LF that has no CR before it made CRLF, and CRLF added behind a last line that has no end;
    /// all else stays as it is. Throws for what mail cannot carry.
    public static func canonical(_ bytes: ArraySlice<UInt8>) throws(MailBodyViolation) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(bytes.count + bytes.count / 32)
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0A, previous != 0x0D { body.append(0x0D) }
            body.append(byte)
            previous = byte
        }
        if let last = body.last, last != 0x0A {
            // A lone CR at the very end is left for the check to name.
            if last != 0x0D { body.append(0x0D) }
            if last != 0x0D { body.append(0x0A) }
        }
        var check = MailBodyCheck()
        try check.consume(body)
        try check.finish()
        return body
    }
}
