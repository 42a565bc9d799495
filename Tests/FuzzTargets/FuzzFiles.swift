public import Foundation

/// Where vectors, golden documents and the corpus stand in the source tree.
public enum FuzzFiles {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    public static let vectors = root.appendingPathComponent("Tests/SphinxTests/Vectors/packet-v1.json")

    /// The bytes of a golden document of Tests/DirectoryTests.
    public static func golden(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: root.appendingPathComponent("Tests/DirectoryTests/Golden/\(name)")))
    }

    /// The committed inputs for the fuzzer `name`.
    public static func corpus(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        let directory = root.appendingPathComponent("contrib/fuzz/corpus/\(name)")
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map {
            ($0, Array(try Data(contentsOf: directory.appendingPathComponent($0))))
        }
    }

    /// What seeds `UnwrapTarget`.
    public static func unwrapTarget() throws -> UnwrapTarget { try UnwrapTarget(vectors: vectors) }

    /// What seeds `ParserTarget`.
    public static func parserSeeds() throws -> [(name: String, bytes: [UInt8])] {
        let files: [(ParserTarget, String)] = [
            (.descriptor, "descriptor.txt"), (.networkFile, "network.txt"), (.certificate, "certificate.txt"),
            (.vote, "vote.txt"), (.proposal, "proposal.txt"), (.evidence, "evidence.txt"),
            (.consensus, "consensus.txt"), (.consensusSignature, "consensus-signature.txt"),
            (.report, "report.txt"), (.optOuts, "opt-outs.txt"),
        ]
        return try ParserTarget.seeds(files.map { ($0.0, try golden($0.1)) })
    }
}
