import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

/// What the authorities say of nodes and links, and how paths follow it.
@Suite("Paths and the consensus")
struct PathStandingTests {
    private static let names = ["a", "b", "c", "d", "e", "f", "g", "h"]

    /// Eight nodes of equal weight; f, g and h deliver mail.
    private static func descriptors() throws -> [Descriptor] {
        try names.enumerated().map { index, name in
            try TestDirectory.descriptor(UInt8(index + 1), name, "11.\(index + 1).0.1") { fields in
                if ["f", "g", "h"].contains(name) { fields.capabilities.append(Capability(Capability.Name.smtp)) }
            }
        }
    }

    private static let smtp = PathDemands(exit: [(Capability.Name.smtp, "mail addresses")])

    private static func id(_ name: String) throws -> NodeID {
        try TestDirectory.signingKey(UInt8(try #require(names.firstIndex(of: name))) + 1).verificationKey.nodeID
    }

    private static func link(_ from: String, _ to: String) throws -> NodeLink {
        NodeLink(from: try id(from), to: try id(to))
    }

    /// A network in which all nodes are measured, but for what `change` says.
    private static func selector(
        brokenLinks: [NodeLink] = [], change: (inout ConsensusNode) -> Void = { _ in }
    ) throws -> PathSelector {
        let network = try TestDirectory.network(descriptors(), brokenLinks: brokenLinks) { node in
            node.flags.remove(.unmeasured)
            change(&node)
        }
        return PathSelector(network: network, at: TestDirectory.now)
    }

    private func paths(
        _ text: String, _ demands: PathDemands = PathDemands(), count: Int = 300, in selector: PathSelector
    ) throws -> [[String]] {
        var generator = SeededRandom(name: "standing \(text)")
        let specification = try PathSpecification(text)
        return try (0..<count).map { _ in
            try selector.choose(specification, demands: demands, using: &generator).map(\.fields.nickname.text)
        }
    }

    private func refused(
        _ text: String, _ demands: PathDemands = PathDemands(), in selector: PathSelector, _ error: PathError,
        _ message: String
    ) throws {
        let thrown = #expect(throws: PathError.self) { try paths(text, demands, count: 1, in: selector) }
        #expect(thrown == error)
        #expect(thrown?.description == message)
    }

    @Test("without a consensus there is no node, so no path")
    func noConsensus() throws {
        let known = try TestDirectory.network(Self.descriptors())
        let selector = PathSelector(network: Network(root: known.root), at: TestDirectory.now)
        #expect(selector.usableNodes.isEmpty)
        try refused(
            "*", in: selector, .notEnoughNodes(wanted: 5, usable: 0),
            "the path needs 5 different nodes, but only 0 of the network are usable")
    }

    @Test("only nodes that run, and of which nobody warns, are used; naming another says why")
    func runningAndBad() throws {
        let selector = try Self.selector { node in
            if node.nickname.text == "b" { node.flags.remove(.running) }
            if node.nickname.text == "c" { node.flags.insert(.bad) }
            if node.nickname.text == "d" { node.flags = [.bad] }
        }
        #expect(Set(selector.usableNodes.map(\.fields.nickname.text)) == ["a", "e", "f", "g", "h"])
        #expect(Set(try paths("*3", in: selector).flatMap { $0 }) == ["a", "e", "f", "g", "h"])
        try refused(
            "b,?", in: selector, .notRunning("b"),
            "node b does not answer at present, or is so new that not every node knows it; name another or try later")
        try refused("{a|c},?", in: selector, .badNode("c"), "the authorities warn of node c; name another")
        try refused("?,d", in: selector, .badNode("d"), "the authorities warn of node d; name another")
    }

    @Test("a node that is not said to run makes its own loops all the same")
    func ownLoop() throws {
        let selector = try Self.selector { if $0.nickname.text == "b" { $0.flags.remove(.running) } }
        let own = try Self.id("b")
        for path in try paths("*", PathDemands(fixedExit: own, endpoint: own), count: 50, in: selector) {
            #expect(path.firstIndex(of: "b") == 4)
        }
        try refused(
            "*", PathDemands(fixedExit: own), in: selector, .notRunning("b"),
            "node b does not answer at present, or is so new that not every node knows it; name another or try later")
    }

    @Test("random nodes are drawn by their weights, at every place")
    func weights() throws {
        let weights = ["a": 1, "b": 2, "c": 5, "d": 10, "e": 20, "f": 30, "g": 60, "h": 100]
        let selector = try Self.selector { $0.weight = weights[$0.nickname.text] ?? 0 }
        let draws = 4000
        func check(_ counts: [String: Int], _ names: [String]) {
            let sum = Double(names.reduce(0) { $0 + (weights[$1] ?? 0) })
            var statistic = 0.0
            for name in names {
                let expected = Double(draws * (weights[name] ?? 0)) / sum
                let found = Double(counts[name] ?? 0)
                statistic += (found - expected) * (found - expected) / expected
            }
            // Seven degrees of freedom or two: beyond 55 lies less than one run in a hundred million.
            #expect(statistic < 55, "\(counts)")
        }
        check(
            Dictionary(try paths("?", count: draws, in: selector).map { ($0[0], 1) }, uniquingKeysWith: +), Self.names)
        // The last of a path to a mail address is drawn among those that deliver; the one before among the rest.
        let two = try paths("*2", Self.smtp, count: draws, in: selector)
        check(Dictionary(two.map { ($0[1], 1) }, uniquingKeysWith: +), ["f", "g", "h"])
        let before = two.filter { $0[1] == "h" }.map { $0[0] }
        let heavy = before.count { $0 == "g" }
        let light = before.count { $0 == "d" }
        #expect((4...9).contains(Double(heavy) / Double(max(light, 1))), "g:d is 6:1, found \(heavy):\(light)")
        // Of several that are named, too.
        check(
            Dictionary(try paths("{f|g|h}", count: draws, in: selector).map { ($0[0], 1) }, uniquingKeysWith: +),
            ["f", "g", "h"])
    }

    @Test("a broken link is never used in its direction, and often in the other")
    func brokenLinks() throws {
        let broken = [try Self.link("a", "b"), try Self.link("b", "c"), try Self.link("d", "h")]
        let selector = try Self.selector(brokenLinks: broken)
        var seen: Set<[String]> = []
        for (text, demands) in [("*", Self.smtp), ("a,*", PathDemands()), ("*,b,?", PathDemands()), ("*3", Self.smtp)] {
            for path in try paths(text, demands, count: 500, in: selector) {
                for (from, to) in zip(path, path.dropFirst()) { seen.insert([from, to]) }
            }
        }
        #expect(seen.isDisjoint(with: [["a", "b"], ["b", "c"], ["d", "h"]]))
        #expect(seen.isSuperset(of: [["b", "a"], ["c", "b"], ["h", "d"]]))
        // All other ordered pairs of eight nodes.
        #expect(seen.count == 8 * 7 - 3)
        try refused(
            "a,b,?", in: selector, .notFound("that no packets get lost between two hops"),
            "no path meets all demands: the one that failed most often is that no packets get lost between two hops; "
                + "shorten the path or demand less")
        try refused(
            "e,d,h", in: selector, .brokenLink("d", "h"),
            "the path would go from d to h, but at present packets get lost on that way; put another node between them")
        #expect(try paths("a,?,b", in: selector).allSatisfy { $0[1] != "c" || $0[2] == "b" })
    }

    @Test("a loop does not begin with a link that is broken")
    func brokenBeginning() throws {
        let own = try Self.id("a")
        let selector = try Self.selector(brokenLinks: [try Self.link("a", "b"), try Self.link("c", "a")])
        for path in try paths("*3", PathDemands(fixedExit: own, endpoint: own), in: selector) {
            #expect(path[0] != "b" && path[1] != "c" && path[2] == "a")
        }
        try refused(
            "b,a", PathDemands(endpoint: own), in: selector, .brokenLink("a", "b"),
            "the path would go from a to b, but at present packets get lost on that way; put another node between them")
    }

    @Test("nodes that lose packets are drawn only if there are not enough others, and where they are named")
    func unreliable() throws {
        func selector(_ unreliable: Set<String>) throws -> PathSelector {
            try Self.selector { if unreliable.contains($0.nickname.text) { $0.flags.insert(.unreliable) } }
        }
        // Five others are enough for five hops.
        let few = try selector(["a", "b", "f"])
        #expect(Set(try paths("*", Self.smtp, in: few).flatMap { $0 }) == ["c", "d", "e", "g", "h"])
        #expect(try paths("a,*2,f", Self.smtp, in: few).allSatisfy { $0[0] == "a" && $0[3] == "f" && $0[1] != "b" })
        // Four others: each path has them all and one more.
        let many = try selector(["a", "b", "c", "f"])
        for path in try paths("*", Self.smtp, count: 60, in: many) {
            #expect(Set(["d", "e", "g", "h"]).isSubset(of: Set(path)), "\(path)")
            #expect(["g", "h"].contains(path[4]))
        }
        // No other that delivers: the last alone is one of them.
        let exits = try selector(["a", "f", "g", "h"])
        for path in try paths("*4", Self.smtp, in: exits) {
            #expect(["f", "g", "h"].contains(path[3]))
            #expect(Set(path.prefix(3)).isSubset(of: ["b", "c", "d", "e"]), "\(path)")
        }
        let all = try selector(Set(Self.names))
        #expect(try paths("*", Self.smtp, count: 20, in: all).allSatisfy { $0.count == 5 })
    }

    @Test("a path that fits all else without an unreliable node is found, though most draws get stuck")
    func unreliableWithFamilies() throws {
        // a to d are one family, so of them one stands in a path; e is unreliable.
        let ids = try ["a", "b", "c", "d"].map(Self.id)
        let nodes = try Self.descriptors().map { node -> Descriptor in
            guard ids.contains(node.id) else { return node }
            let index = try #require(ids.firstIndex(of: node.id))
            var fields = node.fields
            fields.family = ids.filter { $0 != node.id }
            return try Descriptor.make(fields, identity: TestDirectory.signingKey(UInt8(index + 1)))
        }
        let network = try TestDirectory.network(nodes) { node in
            node.flags.remove(.unmeasured)
            if node.nickname.text == "e" { node.flags.insert(.unreliable) }
        }
        let selector = PathSelector(network: network, at: TestDirectory.now)
        for path in try paths("*4", Self.smtp, in: selector) {
            #expect(!path.contains("e"))
            #expect(path.count { ["a", "b", "c", "d"].contains($0) } == 1)
        }
        #expect(try paths("*5", Self.smtp, count: 50, in: selector).allSatisfy { $0.contains("e") })
    }

    @Test("unmeasured nodes stand at every place but the last, if there are measured ones for it")
    func unmeasured() throws {
        func selector(unmeasured: Set<String>) throws -> PathSelector {
            try Self.selector { if unmeasured.contains($0.nickname.text) { $0.flags.insert(.unmeasured) } }
        }
        let some = try paths("*3", Self.smtp, in: selector(unmeasured: ["a", "f", "g"]))
        #expect(Set(some.map { $0[2] }) == ["h"])
        #expect(Set(some.map { $0[0] }).isSuperset(of: ["a", "f", "g"]))
        #expect(Set(some.map { $0[1] }).isSuperset(of: ["a", "f", "g"]))
        // Where none that delivers is measured, and where the one that is stands elsewhere.
        #expect(
            Set(try paths("*3", Self.smtp, in: selector(unmeasured: ["f", "g", "h"])).map { $0[2] }) == ["f", "g", "h"])
        #expect(Set(try paths("h,?,*1", Self.smtp, in: selector(unmeasured: ["f", "g"])).map { $0[2] }) == ["f", "g"])
        // The one that is measured goes with no other: of its family are all that could stand before it.
        let ids = try Self.names.map(Self.id)
        let nodes = try Self.descriptors().enumerated().map { index, node -> Descriptor in
            var fields = node.fields
            if index < 5 { fields.family = [ids[7]] }
            if index == 7 { fields.family = Array(ids[..<5]) }
            return try Descriptor.make(fields, identity: TestDirectory.signingKey(UInt8(index + 1)))
        }
        let family = try TestDirectory.network(nodes) { node in
            if node.nickname.text == "h" { node.flags.remove(.unmeasured) }
        }
        let stuck = try paths(
            "{a|b},*3", Self.smtp, count: 20, in: PathSelector(network: family, at: TestDirectory.now))
        #expect(Set(stuck.map { $0[3] }) == ["f", "g"])
        // An unmeasured last rather than one that loses packets.
        let worse = try Self.selector { node in
            if node.nickname.text == "f" { node.flags.insert(.unmeasured) }
            if ["g", "h"].contains(node.nickname.text) { node.flags.insert(.unreliable) }
        }
        #expect(Set(try paths("*3", Self.smtp, in: worse).map { $0[2] }) == ["f"])
    }
}
