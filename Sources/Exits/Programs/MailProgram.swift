// A program that takes mail on its standard input, as an operator names it. No shell has a part in it: words are cut at
// spaces and nothing in them means anything else.

/// A program and its arguments.
public struct MailProgram: Hashable, Sendable {
    /// Absolute.
    public let path: String
    public let arguments: [String]

    /// Reads `/path argument argument`; nil unless the path is absolute.
    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard let path = words.first, path.hasPrefix("/"), !text.utf8.contains(0),
            !path.split(separator: "/").contains("..")
        else { return nil }
        self.path = path
        arguments = Array(words.dropFirst())
    }

    /// What an exit status of `sysexits.h` says of the mail; every other one is a deferral that somebody should look at.
    static func outcome(ofStatus status: Int32) -> ExitOutcome {
        switch status {
        case 0: .delivered(code: 250)
        // EX_DATAERR: the mail itself is not taken.
        case 65: .refused(.contentRefused, code: nil)
        // EX_NOUSER, EX_NOHOST, EX_NOPERM: nobody there, or he may get no mail.
        case 67, 68, 77: .refused(.recipientRefused, code: nil)
        // EX_UNAVAILABLE, EX_OSERR, EX_IOERR, EX_TEMPFAIL: programs use them for what may pass.
        case 69, 71, 74, 75: .deferred(.temporary)
        default: .deferred(.programFailed)
        }
    }
}
