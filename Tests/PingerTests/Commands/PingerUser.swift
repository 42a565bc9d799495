import Foundation
import TestSupport

/// Somebody at a shell, with the real program.
struct PingerUser {
    struct Answer {
        var output: String
        var messages: String
        var code: Int32
    }

    /// Where the built programs are.
    private static let programs: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    /// Runs `nightjar-pinger` with these words; waits for its end.
    static func run(_ words: String...) throws -> Answer { try run(words) }

    static func run(_ words: [String]) throws -> Answer {
        let directory = try TemporaryDirectory("pinger-user")
        let (output, errors) = (directory.file("out"), directory.file("err"))
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(programs)/nightjar-pinger")
        process.arguments = words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        func text(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        return Answer(output: text(output), messages: text(errors), code: process.terminationStatus)
    }
}
