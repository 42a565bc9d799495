// What `nightjar-nymserver` does, one function for each command, in files by topic. The executable only parses its command
// line.

public import Daemon
internal import Foundation
internal import WireFormat

/// The commands of `nightjar-nymserver`.
public struct NymserverCommands: Sendable {
    let terminal: Terminal
    /// Real time, for what happens away from the running server, whose clock a test network may scale.
    let now: Timestamp

    /// - Parameter terminal: where results and messages go.
    public init(terminal: Terminal = .standard) {
        self.terminal = terminal
        now = ScaledClock.systemTime()
    }

    /// Prints `value` as JSON with sorted keys, so that the same result is the same text.
    func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try terminal.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// `run`: until SIGTERM or SIGINT.
    public func run(configuration path: String) async throws {
        try await NymserverService(settings: NymserverSettings(configuration: path), path: path).run()
    }
}
