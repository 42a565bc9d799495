// `nightjar packet` and `nightjar testvectors` on files.

internal import Daemon
internal import Foundation

/// Commands that need neither network nor settings.
public enum PacketCommands {
    /// More than any packet, SURB, armor of some, content or key.
    private static let sizeLimit = 1 << 20
    /// A list of vectors is some 100 KiB for each.
    private static let vectorLimit = 256 << 20

    /// Says what can be said of a packet without a key.
    public static func inspect(_ file: String) throws {
        for (name, value) in try PacketTool.inspect(read(file)) { try Terminal.standard.print("\(name) \(value)") }
    }

    /// Does one node's work on a packet.
    /// - Parameters:
    ///   - seed: file of the 32-byte seed of the node's packet key.
    ///   - node: the node's id, 64 hexadecimal digits.
    ///   - output: file for what comes out.
    public static func unwrap(_ file: String, seed: String, node: String, output: String?) throws {
        let (facts, bytes) = try PacketTool.unwrap(read(file), seed: read(seed), node: node)
        if let output { try AtomicFile.write(bytes, to: output) }
        for (name, value) in facts { try Terminal.standard.print("\(name) \(value)") }
    }

    /// Makes a packet.
    /// - Parameters:
    ///   - content: file with at most 25,620 bytes.
    ///   - path: file with one hop a line.
    public static func wrap(_ content: String, path: String, output: String) throws {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw PacketToolError(description: "\(path) is not text in UTF-8")
        }
        try AtomicFile.write(PacketTool.wrap(read(content), path: text, readFile: read), to: output)
    }

    /// Prints fresh vectors, or checks those of a file.
    public static func testVectors(check file: String?) throws {
        let terminal = Terminal.standard
        guard let file else {
            try terminal.write(bytes: Array(TestVectors.make()))
            return
        }
        let results = try TestVectors.check(Data(AtomicFile.read(file, limit: vectorLimit)))
        for result in results {
            try terminal.print(
                "\(result.problem == nil ? "good" : "BAD ") \(result.name)\(result.problem.map { ": \($0)" } ?? "")")
        }
        let bad = results.count { $0.problem != nil }
        guard bad == 0 else {
            throw PacketToolError(description: "\(bad) of \(Count.text(results.count, "vector")) do not verify")
        }
        guard !results.isEmpty else { throw PacketToolError(description: "\(file) holds no vectors") }
    }

    private static func read(_ file: String) throws -> [UInt8] { try AtomicFile.read(file, limit: sizeLimit) }
}
