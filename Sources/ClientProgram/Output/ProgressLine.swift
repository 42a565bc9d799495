internal import Daemon

/// A line on the terminal for what takes over a second, written at most five times a second.
struct ProgressLine {
    private let terminal: Terminal
    private let start = ContinuousClock.now
    private let state = State()

    private final class State {
        var next: ContinuousClock.Instant = .now + .seconds(1)
    }

    /// Characters of a bar.
    private static let width = 24

    init(_ terminal: Terminal) { self.terminal = terminal }

    /// Shows `line` if it is time to.
    func show(_ line: () -> String) {
        let now = ContinuousClock.now
        guard now >= state.next else { return }
        state.next = now + .milliseconds(200)
        terminal.progress(line())
    }

    /// Shows how far something is: `making packets [=====>    ] 45 % (198 of 440)`.
    func show(_ what: String, _ done: Int, of total: Int) { show { Self.bar(what, done, of: total) } }

    /// The text of a bar.
    static func bar(_ what: String, _ done: Int, of total: Int) -> String {
        let share = total > 0 ? min(max(Double(done) / Double(total), 0), 1) : 1
        let filled = Int(share * Double(width))
        let head = filled < width ? ">" : ""
        let bar = String(repeating: "=", count: filled) + head
        let padding = String(repeating: " ", count: width - bar.count)
        return "\(what) [\(bar)\(padding)] \(Int(share * 100)) % (\(done) of \(total))"
    }

    /// Removes the line.
    func clear() { terminal.clearProgress() }
}
