// The content of a mail after DATA: ends at CRLF . CRLF and nowhere else, so that no other line end can smuggle a second
// mail in (RFC 5321 sections 4.1.1.4 and 4.5.2).

/// Takes a mail's bytes, removes the dots that were added, finds the end.
struct LMTPContent {
    private enum State { case lineStart, dot, dotReturn, middle, afterReturn }

    private let limit: Int
    private var state = State.lineStart
    /// The content so far; empty when it became too long.
    private(set) var bytes: [UInt8] = []
    /// Whether there were more than `limit` bytes.
    private(set) var isTooLong = false

    init(limit: Int) { self.limit = limit }

    /// Takes bytes up to the end of the mail: how many were used, and whether that is the end.
    mutating func take(_ input: ArraySlice<UInt8>) -> (used: Int, isComplete: Bool) {
        for (offset, byte) in input.enumerated() {
            switch (state, byte) {
            case (.lineStart, UInt8(ascii: ".")): state = .dot
            case (.dot, 0x0D): state = .dotReturn
            case (.dotReturn, 0x0A): return (offset + 1, true)
            case (.dotReturn, _):
                append(0x0D)
                appendOrdinary(byte, afterReturn: true)
            case (.lineStart, _), (.dot, _), (.middle, _): appendOrdinary(byte, afterReturn: false)
            case (.afterReturn, _): appendOrdinary(byte, afterReturn: true)
            }
        }
        return (input.count, false)
    }

    private mutating func appendOrdinary(_ byte: UInt8, afterReturn: Bool) {
        append(byte)
        state = byte == 0x0D ? .afterReturn : afterReturn && byte == 0x0A ? .lineStart : .middle
    }

    private mutating func append(_ byte: UInt8) {
        guard !isTooLong else { return }
        guard bytes.count < limit else {
            isTooLong = true
            bytes = []
            return
        }
        bytes.append(byte)
    }
}
