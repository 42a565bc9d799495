// Asking for a passphrase on the terminal itself, whatever standard input and output are, without showing it.

private import Glibc

/// Asks people.
enum TerminalPassphrase {
    /// How often a wrong passphrase may be typed.
    static let attempts = 3

    /// What is typed after `prompt`; nil if the process has no terminal.
    /// - Throws: `KeyringError.interrupted` for ctrl-c, `passphraseTooLong`.
    static func ask(_ prompt: String) throws -> Passphrase? {
        let tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard tty >= 0 else { return nil }
        defer { close(tty) }
        var before = termios()
        guard tcgetattr(tty, &before) == 0 else { return nil }
        var silent = before
        // Byte by byte and without signals, so that nothing can end the program while the terminal is silent.
        silent.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        guard tcsetattr(tty, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            tcsetattr(tty, TCSAFLUSH, &before)
            say(tty, "\n")
        }
        say(tty, prompt)
        return try Passphrase.gather { byte in
            while true {
                let count = read(tty, &byte, 1)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .end }
                switch byte {
                case 3: throw KeyringError.interrupted
                case 4, 10, 13: return .end
                case 8, 127: return .erase
                case 21: return .eraseAll
                case 0..<32: continue
                default: return .byte
                }
            }
        }
    }

    private static func say(_ tty: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = write(tty, bytes, bytes.count)
    }
}
