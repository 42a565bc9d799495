// Where a notice may stand under a body: in plain text alone, that nobody signed, sealed or encoded.

public import Messages
internal import Synchronization

/// The rule of footers.
public enum BodyFooter {
    /// Whether a footer may follow a body with these fields of its sender's and these facts.
    public static func isPossible(fields: [SenderField: String], body: BodyFacts) -> Bool {
        guard !body.hasArmor, fields[.contentMD5] == nil, fields[.contentDisposition] == nil else { return false }
        if let encoding = fields[.contentTransferEncoding], !["7bit", "8bit"].contains(encoding.lowercased()) {
            return false
        }
        guard let type = fields[.contentType]?.lowercased() else { return true }
        let parts = type.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\"" && $0 != "\t" } }
        guard parts.first == "text/plain" else { return false }
        // ASCII is the same in these, and not in, say, UTF-16.
        guard let charset = parts.first(where: { $0.hasPrefix("charset=") })?.dropFirst(8) else { return true }
        return ["us-ascii", "utf-8"].contains(charset) || charset.hasPrefix("iso-8859-")
            || charset.hasPrefix("windows-125")
    }
}

extension ExitBody {
    /// This body, its last line ended, and `footer` behind it.
    public func followed(by footer: [UInt8]) -> ExitBody {
        ExitBody { [self] in
            let read = try open()
            let state = Mutex((last: UInt8(0x0A), isDone: false))
            return {
                let piece = try read()
                return state.withLock { state in
                    if let piece {
                        state.last = piece.last ?? state.last
                        return piece
                    }
                    guard !state.isDone else { return nil }
                    state.isDone = true
                    return (state.last == 0x0A || state.last == 0x0D ? [] : [0x0D, 0x0A]) + footer
                }
            }
        }
    }
}

extension BodyFacts {
    /// Those of the body with `footer` behind it: ASCII with CRLF line ends.
    public func followed(by footer: [UInt8]) -> BodyFacts {
        var facts = self
        facts.wireBytes += footer.count
        return facts
    }
}
