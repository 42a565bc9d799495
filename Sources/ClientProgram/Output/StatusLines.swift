// Lines for programs that drive this one (`--status-fd`), after Mixminion's. doc/CLIENT.md lists them all.

internal import Daemon
private import Glibc

/// Writes `[NIGHTJAR:] TYPE args` to a descriptor that somebody else opened, or nothing.
struct StatusLines: Sendable {
    private let terminal: Terminal?

    /// - Parameter descriptor: nil for nobody.
    /// - Throws: `CommandFailure` if it is not open.
    init(descriptor: Int32?) throws(CommandFailure) {
        guard let descriptor else {
            terminal = nil
            return
        }
        guard descriptor > 0, fcntl(descriptor, F_GETFD) >= 0 else {
            throw CommandFailure(
                "--status-fd \(descriptor) is not an open descriptor; write for example: --status-fd 3 3> FILE",
                code: .usage)
        }
        terminal = Terminal(output: descriptor, errors: descriptor)
    }

    /// Writes one line. A reader that has gone changes nothing for the command.
    /// - Parameter type: upper-case letters and underscores.
    func write(_ type: String, _ arguments: any CustomStringConvertible...) {
        try? terminal?.print(Self.line(type, arguments.map(\.description)))
    }

    /// The line, without its end. In an argument whatever is not a printable ASCII character, and the space and the
    /// percent sign, is written as `%XX`, so that arguments are what stands between spaces.
    static func line(_ type: String, _ arguments: [String]) -> String {
        (["[NIGHTJAR:]", type] + arguments.map(escaped)).joined(separator: " ")
    }

    private static func escaped(_ text: String) -> String {
        guard !text.isEmpty else { return "-" }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
