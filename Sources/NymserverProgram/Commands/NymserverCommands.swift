// What `nightjar-nymserver` does, one function for each command, in files by topic. The executable only parses its command
// line.

public import Daemon

/// The commands of `nightjar-nymserver`.
public struct NymserverCommands: Sendable {
    let terminal: Terminal

    /// - Parameter terminal: where results and messages go.
    public init(terminal: Terminal = .standard) {
        self.terminal = terminal
    }
}
