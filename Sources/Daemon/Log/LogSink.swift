// Where log lines go: standard error or a file, one write for each line, no more than so many in a second. A line has a
// bounded length and no control characters, so that nothing that came from outside can forge or flood the log.

internal import Glibc
public import Logging
internal import Synchronization
public import WireFormat

/// The destination of a process's log.
public final class LogSink: Sendable {
    /// Where lines go.
    public enum Destination: Hashable, Sendable {
        case standardError
        /// A file of mode 0600, appended to.
        case file(String)
    }

    /// A line longer than this many bytes is cut.
    public static let longestLine = 2000

    private struct State: Sendable {
        var descriptor: Int32
        var level: Logger.Level
        /// The second that is being counted, by weight of line.
        var ordinary = Budget()
        var serious = Budget()
        var failedWrites = 0
    }

    /// Lines in the current second.
    private struct Budget: Sendable {
        var second = Int64.min
        var used = 0
        var suppressed = 0
    }

    private let destination: Destination
    private let linesPerSecond: Int
    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>

    /// - Parameters:
    ///   - level: what is less serious is not written.
    ///   - linesPerSecond: most lines in one second; errors have as many again for themselves, so that a flood of others
    ///     cannot hide them.
    public init(
        _ destination: Destination, level: Logger.Level = .info, linesPerSecond: Int = 100,
        now: @escaping @Sendable () -> Timestamp = { ScaledClock.systemTime() }
    ) throws(CommandFailure) {
        self.destination = destination
        self.linesPerSecond = max(linesPerSecond, 1)
        self.now = now
        state = Mutex(State(descriptor: try Self.open(destination), level: level))
    }

    deinit {
        if case .file = destination { close(state.withLock { $0.descriptor }) }
    }

    /// The least serious level that is written. May be set at any time.
    public var level: Logger.Level {
        get { state.withLock { $0.level } }
        set { state.withLock { $0.level = newValue } }
    }

    /// A logger that writes here.
    public func logger(_ label: String) -> Logger {
        Logger(label: label, factory: { _ in SinkLogHandler(sink: self, label: label) })
    }

    /// Opens the file anew, after something has renamed it. Keeps the old one if that fails.
    public func reopen() throws(CommandFailure) {
        guard case .file = destination else { return }
        let fresh = try Self.open(destination)
        let old = state.withLock { state in
            let old = state.descriptor
            state.descriptor = fresh
            return old
        }
        close(old)
    }

    /// Lines that could not be written, because the disk is full or the pipe is gone.
    public var failedWrites: Int { state.withLock { $0.failedWrites } }

    func write(level: Logger.Level, label: String, text: String) {
        let time = now()
        state.withLock { state in
            let notice =
                level >= .error
                ? Self.spend(&state.serious, time.seconds, linesPerSecond)
                : Self.spend(&state.ordinary, time.seconds, linesPerSecond)
            guard let notice else { return }
            var lines = ""
            if notice > 0 {
                lines += Self.line(time, .warning, label, "\(notice) lines were left out, there were too many")
            }
            lines += Self.line(time, level, label, text)
            if Descriptor.writeAll(state.descriptor, Array(lines.utf8)) != nil { state.failedWrites += 1 }
        }
    }

    /// Nil if the line is one too many; else how many were left out since the last that was written.
    private static func spend(_ budget: inout Budget, _ second: Int64, _ limit: Int) -> Int? {
        if second != budget.second {
            budget.second = second
            budget.used = 0
        }
        guard budget.used < limit else {
            budget.suppressed += 1
            return nil
        }
        budget.used += 1
        defer { budget.suppressed = 0 }
        return budget.suppressed
    }

    /// Times are of whole seconds: finer ones would help whoever compares logs with traffic.
    private static func line(_ time: Timestamp, _ level: Logger.Level, _ label: String, _ text: String) -> String {
        var clean = ""
        for scalar in text.unicodeScalars {
            guard clean.utf8.count < longestLine else {
                clean += "..."
                break
            }
            let isControl =
                scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            clean.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return "\(time) \(level) \(label): \(clean)\n"
    }

    private static func open(_ destination: Destination) throws(CommandFailure) -> Int32 {
        guard case .file(let path) = destination else { return STDERR_FILENO }
        let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure("cannot open the log file \(path): \(SystemError.current.reason)")
        }
        return descriptor
    }
}

/// The handler that swift-log calls.
struct SinkLogHandler: LogHandler {
    let sink: LogSink
    let label: String
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private var ownLevel: Logger.Level?

    init(sink: LogSink, label: String) {
        self.sink = sink
        self.label = label
    }

    /// That of the sink, so that a reload of the configuration reaches every logger, unless one was set here.
    var logLevel: Logger.Level {
        get { ownLevel ?? sink.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let given = event.metadata { all.merge(given) { $1 } }
        var text = "\(event.message)"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { text += " \(key)=\(value)" }
        if let error = event.error { text += " error=\(error)" }
        sink.write(level: event.level, label: label, text: text)
    }
}
