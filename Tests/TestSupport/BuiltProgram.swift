import Foundation

/// The programs as they were built, run as somebody at a shell would.
public enum BuiltProgram {
    /// What a program said, and how it ended.
    public struct Answer: Sendable {
        public var output: String
        public var messages: String
        public var code: Int32
    }

    /// Where they are.
    public static let folder: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    /// Runs a program with these words; waits for its end. Its answers go to files, which hold any number of bytes.
    public static func run(_ name: String, _ words: [String]) throws -> Answer {
        let directory = try TemporaryDirectory(name)
        let (output, errors) = (directory.file("out"), directory.file("err"))
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(folder)/\(name)")
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
