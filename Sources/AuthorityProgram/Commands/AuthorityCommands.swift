// What `nightjar-authority` does, one function for each command, in files by topic. The executable only parses its command
// line.

internal import Daemon
internal import Foundation
internal import WireFormat

/// The commands of `nightjar-authority`.
public struct AuthorityCommands: Sendable {
    let terminal: Terminal
    /// Real time, for what happens away from the running authority, whose clock a test network may scale.
    let now: Timestamp

    /// Commands of this process.
    public init() {
        terminal = .standard
        now = ScaledClock.systemTime()
    }

    /// Prints `value` as JSON with sorted keys, so that the same result is the same text.
    func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try terminal.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Prints lines of a label and a value, the values in one column.
    func print(_ rows: [(label: String, value: String)]) throws {
        let width = rows.map(\.label.count).max() ?? 0
        for row in rows {
            try terminal.print(
                row.label + String(repeating: " ", count: width - row.label.count + 2) + row.value)
        }
    }

    /// Writes a public document to a file, or to standard output if none is named.
    func write(_ bytes: [UInt8], to path: String?) throws {
        if let path { try AtomicFile.write(bytes, to: path, mode: 0o644) } else { try terminal.write(bytes: bytes) }
    }
}
