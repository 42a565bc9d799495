// The log of a process, as its configuration says.

public import Logging

/// Settings of the log, in the table `[log]`.
public struct LogSettings: Hashable, Sendable {
    public var destination: LogSink.Destination
    public var level: Logger.Level
    /// Most lines in a second.
    public var linesPerSecond: Int

    public init(
        destination: LogSink.Destination = .standardError, level: Logger.Level = .info, linesPerSecond: Int = 100
    ) {
        self.destination = destination
        self.level = level
        self.linesPerSecond = linesPerSecond
    }

    /// Takes the settings out of the table `log` of a configuration file.
    public init(_ root: ConfigTable) {
        let table = root.table("log")
        let file = table.optional(
            "file", .path,
            doc: "File to append log lines to. Without it they go to standard error, where systemd takes them.")
        destination = file.map { .file($0) } ?? .standardError
        level = table.value(
            "level", .choice(Logger.Level.info), default: .info, doc: "Lines less serious than this are not written.")
        linesPerSecond = table.value(
            "lines-per-second", .int(1...100_000), default: 100,
            doc: "Most log lines in a second; how many were left out is said later. Errors are counted by themselves.")
    }

    /// Opens the log and makes it that of every logger in the process. Called once.
    public func start() throws(CommandFailure) -> LogSink {
        let sink = try LogSink(destination, level: level, linesPerSecond: linesPerSecond)
        LoggingSystem.bootstrap { SinkLogHandler(sink: sink, label: $0) }
        return sink
    }
}
