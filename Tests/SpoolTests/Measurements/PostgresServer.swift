import Foundation
import TestSupport

/// A real PostgreSQL server of a test's own: in a new directory, on a Unix socket there, without a port. It refuses to run as
/// root, so root starts it as nobody.
final class PostgresServer {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let directory: TemporaryDirectory
    private let server = Process()

    /// Where psql finds it.
    var arguments: [String] { ["-h", directory.path, "-U", "pinger", "-d", "postgres"] }

    init() throws {
        directory = try TemporaryDirectory("nightjar-postgres")
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql").filter {
            FileManager.default.isExecutableFile(atPath: "/usr/lib/postgresql/\($0)/bin/initdb")
        }
        guard let version = versions.max(by: { Int($0) ?? 0 < Int($1) ?? 0 }) else {
            throw Failure(description: "no PostgreSQL is installed; contrib/test installs it")
        }
        let programs = "/usr/lib/postgresql/\(version)/bin"
        let data = directory.file("data")
        var prefix: [String] = []
        if geteuid() == 0 {
            prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            try FileManager.default.setAttributes(
                [.ownerAccountID: 65534, .groupOwnerAccountID: 65534], ofItemAtPath: directory.path)
        }
        let made = try Command.run(
            "/usr/bin/env",
            prefix + [
                "\(programs)/initdb", "-D", data, "-U", "pinger", "-A", "trust", "-E", "UTF8", "--locale=C",
                "--no-sync",
            ])
        guard made.status == 0 else { throw Failure(description: "initdb: \(made.errors)") }
        server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        server.arguments =
            prefix + [
                "\(programs)/postgres", "-D", data, "-k", directory.path, "-c", "listen_addresses=", "-c", "fsync=off",
            ]
        let log = directory.file("log")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        server.standardError = FileHandle(forWritingAtPath: log)
        server.standardOutput = FileHandle.nullDevice
        server.standardInput = FileHandle.nullDevice
        try server.run()
        let deadline = Date(timeIntervalSinceNow: 60)
        while try Command.run("/usr/bin/psql", arguments + ["-X", "-c", "SELECT 1"]).status != 0 {
            guard server.isRunning, Date() < deadline else {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw Failure(description: "PostgreSQL does not start: \(text)")
            }
            usleep(50_000)
        }
    }

    deinit {
        // Without ceremony: its directory goes too.
        guard server.isRunning else { return }
        kill(server.processIdentifier, SIGQUIT)
        server.waitUntilExit()
    }

    /// The rows of a query, their fields separated by `|`; NULL is ∅.
    func rows(_ sql: String) throws -> [String] {
        let result = try Command.run(
            "/usr/bin/psql", arguments + ["-X", "-q", "-At", "-P", "null=∅", "-v", "ON_ERROR_STOP=1", "-c", sql])
        guard result.status == 0 else { throw Failure(description: "\(sql): \(result.errors)") }
        return result.output.split(separator: "\n").map(String.init)
    }
}

/// A program that is run to its end.
enum Command {
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (output: String, errors: String, status: Int32) {
        let directory = try TemporaryDirectory("nightjar-command")
        let program = Process()
        program.executableURL = URL(fileURLWithPath: path)
        program.arguments = arguments
        program.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        program.standardInput = FileHandle.nullDevice
        // Into files: neither can fill up while the other is read.
        for name in ["output", "errors"] {
            _ = FileManager.default.createFile(atPath: directory.file(name), contents: nil)
        }
        program.standardOutput = FileHandle(forWritingAtPath: directory.file("output"))
        program.standardError = FileHandle(forWritingAtPath: directory.file("errors"))
        try program.run()
        program.waitUntilExit()
        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.file(name))), as: UTF8.self)
        }
        return (try text("output"), try text("errors"), program.terminationStatus)
    }
}
