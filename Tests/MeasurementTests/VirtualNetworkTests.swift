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

    /// Some runs fail by chance alone: the loss of a node that 500 probes passed is known within 2 points (one standard
    /// deviation), and a link that is met late cannot be tested often enough. doc/ESTIMATION.md has how many of 100; so the
    /// seeds are fixed here.
    @Test(
        "2000 probes over 60 nodes find the node that drops a fifth and the broken link", arguments: [10, 11, 12, 13])
    func bar(seed: UInt64) {
        let (result, _) = Self.run(seed: seed, loss: 0)
        print(
            "virtual network \(seed): good \(result.isGood), worst \(result.worst), dropper \(result.dropper), marked "
                + "\(result.marked.count), the right one \(result.marked == [result.broken])")
        // Every node within three points, and only the broken link is marked.
        #expect(result.isGood)
    }

    /// What holds for every seed.
    @Test("whatever the seed, no link is marked that carries packets, and every node is measured")
    func barAtRandom() {
        var random = SeededRandom(name: "virtual network")
        let (result, _) = Self.run(seed: random.next(), loss: 0)
        #expect(result.marked.isSubset(of: [result.broken]))
        #expect(abs(result.dropper) < 0.1)
        #expect(result.unmeasured == 0)
    }

    /// At a seed of its own, as `bar`; at others the dropper is known within 1.3 points (one standard deviation).
    @Test("so they do over 6 nodes")
    func small() {
        var settings = VirtualNetwork.Settings()
        settings.nodes = 6
        settings.mailboxes = 6
        var random = SeededRandom(seed: 15_256_806_821_608_242_709)
        let (result, _) = Self.run(settings, seed: random.next(), loss: 0)
        print("virtual network of 6: \(result)")
        #expect(result.isGood)
        var other = SeededRandom(name: "virtual network of 6")
        let (atRandom, _) = Self.run(settings, seed: other.next(), loss: 0)
        print("virtual network of 6: \(atRandom)")
        #expect(atRandom.marked == [atRandom.broken] && atRandom.unmeasured == 0 && atRandom.worst < 0.07)
    }

    /// A node that treats what it takes for probes well: its score is what it does with the others.
    @Test("a node that tries to recognise probes wins nothing", arguments: Recognition.allCases)
    func cheating(_ recognition: Recognition) throws {
        var random = SeededRandom(name: "cheating by \(recognition)")
        var settings = VirtualNetwork.Settings()
        settings.nodes = 20
        settings.mailboxes = 16
        settings.analysisEvery = .hours(1)
        var net = VirtualNetwork(settings, seed: random.next())
        // A node with a mailbox of the pinger's, so that it has all features to go by.
        net.nodes[0].strategy = .cheats(recognition, 0.2)
        let analysis = net.run(probes: 1500)
        let relay = try #require(analysis.nodes[net.ids[0]]?.relay)
        let truth = Double(net.nodes[0].passed) / Double(max(net.nodes[0].relayed, 1))
        print("cheating by \(recognition): \(relay), in truth \(truth) of \(net.nodes[0].relayed)")
        #expect(abs(truth - 0.8) < 0.1)
        #expect(relay.low - 0.02 <= truth && truth <= relay.high + 0.02)
        #expect(relay.high < 0.9, "it would pass for reliable")
    }
}
