internal import Daemon

/// A line on the terminal for what takes over a second, written at most five times a second.
struct ProgressLine {
    private let terminal: Terminal
    private let start = ContinuousClock.now
    private let state = State()

    private final class State {
        var next: ContinuousClock.Instant = .now + .seconds(1)
    }

    init(_ terminal: Terminal) { self.terminal = terminal }

    /// Shows `line` if it is time to.
    func show(_ line: () -> String) {
        let now = ContinuousClock.now
        guard now >= state.next else { return }
        state.next = now + .milliseconds(200)
        terminal.progress(line())
    }

    /// Removes the line.
    func clear() { terminal.clearProgress() }
}
