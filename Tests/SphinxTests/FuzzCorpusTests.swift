import Foundation
import FuzzTargets
import Sphinx
import TestSupport
import Testing

/// The fuzzers' corpus and seeds, once each: what a fuzzer found stays found, without a fuzzer.
@Suite("Fuzzing corpus")
struct FuzzCorpusTests {
    @Test("unwrapping")
    func unwrap() throws {
        let target = try FuzzFiles.unwrapTarget()
        let inputs = try FuzzFiles.corpus("unwrap") + target.seeds
        #expect(Set(inputs.compactMap(\.bytes.first).map { $0 % UInt8(UnwrapTarget.Mode.allCases.count) }).count == 5)
        for input in inputs { try target.run(input.bytes) }
    }

    @Test("parsers")
    func parsers() throws {
        let inputs = try FuzzFiles.corpus("parsers") + FuzzFiles.parserSeeds()
        #expect(
            Set(inputs.compactMap(\.bytes.first).map { $0 % UInt8(ParserTarget.allCases.count) }).count
                == ParserTarget.allCases.count)
        for input in inputs { ParserTarget.run(input.bytes) }
    }

    @Test("peers")
    func peers() throws {
        let inputs = try FuzzFiles.corpus("peers") + PeerTarget.seeds()
        #expect(
            Set(inputs.compactMap(\.bytes.first).map { $0 % UInt8(PeerTarget.allCases.count) }).count
                == PeerTarget.allCases.count)
        for input in inputs { PeerTarget.run(input.bytes) }
    }

    /// What no fuzzer is needed for: a seed that was changed in a few places.
    @Test("changed seeds of peers")
    func changed() throws {
        var random = SeededRandom(name: "changed seeds of peers")
        for seed in try PeerTarget.seeds() {
            for _ in 0..<Self.rounds { PeerTarget.run(FuzzMutation.change(seed.bytes, using: &random)) }
        }
    }

    /// NIGHTJAR_FUZZ_ROUNDS: how many changes of each seed.
    private static let rounds = ProcessInfo.processInfo.environment["NIGHTJAR_FUZZ_ROUNDS"].flatMap(Int.init) ?? 20
}
