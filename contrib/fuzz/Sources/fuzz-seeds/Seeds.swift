import Foundation
import FuzzTargets

/// Writes the inputs that the fuzzers start from into the directory given as the only argument.
@main
struct Seeds {
    static func main() throws {
        let base = URL(fileURLWithPath: CommandLine.arguments[1])
        for (name, seeds) in [
            ("unwrap", try FuzzFiles.unwrapTarget().seeds), ("parsers", try FuzzFiles.parserSeeds()),
            ("peers", try PeerTarget.seeds()),
        ] {
            let directory = base.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for seed in seeds { try Data(seed.bytes).write(to: directory.appendingPathComponent(seed.name)) }
        }
    }
}
