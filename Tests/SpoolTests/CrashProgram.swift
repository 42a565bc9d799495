import Foundation
import Testing

/// Runs the program that is made to be killed.
enum CrashProgram {
    static let path = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("spool-crash").path

    /// Runs it to its end; its lines and whether it was killed. A line is written at once, so only whole lines come.
    static func run(_ arguments: [String], killAt: String? = nil) throws -> (lines: [String], killed: Bool) {
        let (lines, reason, status) = try start(path, arguments, killAt: killAt)
        let killed = reason == .uncaughtSignal && status == 9
        if !killed { #expect(reason == .exit && status == 0) }
        return (lines, killed)
    }

    static func start(
        _ executable: String, _ arguments: [String], killAt: String? = nil
    ) throws -> (lines: [String], reason: Process.TerminationReason, status: Int32) {
        let program = Process()
        program.executableURL = URL(fileURLWithPath: executable)
        program.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["NIGHTJAR_KILL_AT"] = killAt
        program.environment = environment
        let output = Pipe()
        program.standardOutput = output
        try program.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        program.waitUntilExit()
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        return (lines, program.terminationReason, program.terminationStatus)
    }
}
