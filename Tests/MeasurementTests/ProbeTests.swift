import Testing
import Measurement
import TestSupport
import WireFormat

@Suite("Probes")
struct ProbeTests {
    @Test("a path has interior nodes from three hops on, and every hop is another node")
    func paths() {
        var random = SeededRandom(name: "probePaths")
        let nodes = (0..<5).map { _ in NodeID.random(using: &random) }
        #expect(ProbePath([]) == nil)
        #expect(ProbePath([nodes[0], nodes[0]]) == nil)
        #expect(ProbePath([nodes[0], nodes[1]])?.interior.isEmpty == true)
        #expect(ProbePath(nodes).map { Array($0.interior) } == Array(nodes[1...3]))
        #expect(ProbePath(nodes)?.links.count == 4)
    }
}
