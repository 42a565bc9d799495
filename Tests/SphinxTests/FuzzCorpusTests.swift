import FuzzTargets
import Sphinx
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
}
