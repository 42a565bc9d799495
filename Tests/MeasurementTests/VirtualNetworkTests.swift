import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// The bar of the pinger in virtual time: a node that drops a fifth, and one broken link.
@Suite("Virtual network")
struct VirtualNetworkTests {
    struct Result {
        var worst = 0.0
        var worstNode = 0
        var dropper = 0.0
        var marked: Set<NodeLink> = []
        var broken: NodeLink
        var unmeasured = 0
        var isGood: Bool { worst <= 0.03 && marked == [broken] && unmeasured == 0 }
    }

    static func run(
        _ settings: VirtualNetwork.Settings = .init(), probes: Int = 2000, seed: UInt64, loss: Double = 0.002
    )
        -> (Result, VirtualNetwork)
    {
        var net = VirtualNetwork(settings, seed: seed)
        var random = SeededRandom(seed: seed ^ 0x5EED)
        for place in net.nodes.indices { net.nodes[place].strategy = .drops(loss) }
        let all = Array(0..<settings.nodes).shuffled(using: &random)
        net.nodes[all[0]].strategy = .drops(0.2)
        let broken = net.link(all[1], all[2])
        net.linkLoss[broken] = 1
        let analysis = net.run(probes: probes)
        var result = Result(broken: broken)
        for (place, id) in net.ids.enumerated() {
            let truth = place == all[0] ? 0.8 : 1 - loss
            guard let relay = analysis.nodes[id]?.relay else {
                result.unmeasured += 1
                continue
            }
            if place == all[0] { result.dropper = relay.value - truth }
            if abs(relay.value - truth) > result.worst {
                result.worst = abs(relay.value - truth)
                result.worstNode = place == all[0] ? -1 : place
            }
        }
        result.marked = Set(analysis.brokenLinks)
        return (result, net)
    }

    @Test("many seeds")
    func many() {
        let seeds = (0..<10).map { UInt64($0) }
        var good = 0
        for seed in seeds {
            let (result, net) = Self.run(seed: seed)
            if result.isGood { good += 1 }
            let tests = net.flights.count { $0.probe.path.links.contains(result.broken) }
            print(
                "seed \(seed): \(result.isGood) worst \(result.worst) at \(result.worstNode) dropper \(result.dropper) marked "
                    + "\(result.marked.count) right \(result.marked == [result.broken]) tests \(tests) unmeasured \(result.unmeasured)"
            )
        }
        print("good \(good) of \(seeds.count)")
    }
}
