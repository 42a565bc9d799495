import Directory
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

/// Choosing paths: what must never be chosen, what must be possible, and that the choice is fair.
@Suite("Choosing paths")
struct PathSelectorTests {
    private static let smtp = PathDemands(exit: [(Capability.Name.smtp, "mail addresses")])

    private static func id(_ number: UInt8) throws -> NodeID {
        try TestDirectory.signingKey(number).verificationKey.nodeID
    }

    /// Twelve nodes. a and b are a family; c claims d, which does not claim c; e and f share a /16; g and h a /32; i, j and l
    /// deliver mail, j and k to mailboxes; l has a host name.
    private static let twelve: Network? = try? {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
        let addresses = [
            "11.1.0.1", "11.2.0.1", "11.3.0.1", "11.4.0.1", "11.5.0.1", "11.5.9.9", "[2a00:1::1]:5",
            "[2a00:1:ffff::2]:5", "11.9.0.1",
            "11.10.0.1", "11.11.0.1", "mix.example.org",
        ]
        let families: [String: UInt8] = ["a": 2, "b": 1, "c": 4]
        let nodes = try zip(names, addresses).enumerated().map { index, node in
            try TestDirectory.descriptor(UInt8(index + 1), node.0, node.1) { fields in
                if let member = families[node.0] { fields.family = [try id(member)] }
                if ["i", "j", "l"].contains(node.0) { fields.capabilities.append(Capability(Capability.Name.smtp)) }
                if ["j", "k"].contains(node.0) { fields.capabilities.append(Capability(Capability.Name.mbox)) }
            }
        }
        return try TestDirectory.network(nodes)
    }()

    private static func selector(_ network: Network? = twelve, at now: Timestamp = TestDirectory.now) throws
        -> PathSelector
    {
        PathSelector(network: try #require(network), at: now)
    }

    private static func names(_ path: [Descriptor]) -> [String] { path.map(\.fields.nickname.text) }

    /// Checks of `count` paths that a specification gives.
    private func each(
        _ text: String, _ demands: PathDemands = PathDemands(), count: Int = 100, name: String,
        check: ([String]) throws -> Void
    ) throws {
        var generator = SeededRandom(name: name)
        let selector = try Self.selector()
        let specification = try PathSpecification(text)
        for _ in 0..<count {
            try check(Self.names(try selector.choose(specification, demands: demands, using: &generator)))
        }
    }

    private func refused(
        _ text: String, demands: PathDemands = PathDemands(), in network: Network? = twelve, _ error: PathError,
        _ message: String
    ) throws {
        var generator = SeededRandom(name: "refused \(text)")
        let selector = try Self.selector(network)
        let thrown = #expect(throws: PathError.self) {
            try selector.choose(PathSpecification(text), demands: demands, using: &generator)
        }
        #expect(thrown == error)
        #expect(thrown?.description == message)
    }

    // MARK: what is never chosen

    @Test("hops are distinct, of different families and in different networks, and end where the message can leave")
    func constraints() throws {
        var pairs: Set<Set<String>> = []
        var exits: Set<String> = []
        try each("*", Self.smtp, count: 500, name: "constraints") { path in
            #expect(path.count == 5)
            #expect(Set(path).count == 5)
            for forbidden: Set<String> in [["a", "b"], ["e", "f"], ["g", "h"]] {
                #expect(!forbidden.isSubset(of: Set(path)), "\(path)")
            }
            exits.insert(path[4])
            for one in path { for other in path where one != other { pairs.insert([one, other]) } }
        }
        #expect(exits == ["i", "j", "l"])
        // A family that one side alone claims excludes nobody; all other pairs occur as well.
        #expect(pairs.contains(["c", "d"]))
        #expect(pairs.count == 12 * 11 / 2 - 3)
    }

    @Test("a test network's nodes may share a place, but not a family")
    func testNetwork() throws {
        let nodes = try (1...4).map { number in
            try TestDirectory.descriptor(UInt8(number), "n\(number)", "127.0.0.1:\(number)") { fields in
                if number <= 2 { fields.family = [try Self.id(UInt8(3 - number))] }
            }
        }
        let network = try TestDirectory.network(nodes, isTest: true)
        let selector = try Self.selector(network)
        var generator = SeededRandom(name: "test network")
        for _ in 0..<50 {
            let path = Self.names(
                try selector.choose(PathSpecification("*3"), demands: PathDemands(), using: &generator))
            #expect(!Set(["n1", "n2"]).isSubset(of: Set(path)))
        }
        try refused(
            "n1,n3,n2", in: network, .sameFamily("n1", "n2"), "the path would pass n1 and n2, which the same people run"
        )
    }

    @Test("one address of many is enough to share a place")
    func manyAddresses() throws {
        let nodes = [
            try TestDirectory.descriptor(1, "a", "11.1.0.1") {
                $0.addresses.append(try #require(NodeAddress("[2a00:9::1]:5")))
            },
            try TestDirectory.descriptor(2, "b", "11.2.0.1") {
                $0.addresses.append(try #require(NodeAddress("[2a00:9:1::1]:5")))
            },
        ]
        try refused(
            "a,b", in: TestDirectory.network(nodes), .sameNetwork("a", "b"),
            "the path would pass a and b, which are in one network (IPv4 /16 or IPv6 /32)")
    }

    @Test("blocked nodes are never used")
    func blocked() throws {
        let demands = PathDemands(exit: Self.smtp.exit, blocked: [try Self.id(3), try Self.id(9)])
        try each("*", demands, name: "blocked") { path in
            #expect(!path.contains("c"))
            #expect(!path.contains("i"))
        }
        try refused("c,*3", demands: demands, .blockedNode("c"), "the path names c, which your configuration blocks")
        try refused(
            "{a|c},*3", demands: demands, .blockedNode("c"), "the path names c, which your configuration blocks")
    }

    // MARK: what the language gives

    @Test("each element stands for as many nodes as it says")
    func counts() throws {
        var generator = SeededRandom(name: "counts")
        let selector = try Self.selector()
        func lengths(_ text: String) throws -> Set<Int> {
            Set(
                try (0..<60).map { _ in
                    try selector.choose(PathSpecification(text), demands: PathDemands(), using: &generator).count
                })
        }
        #expect(try lengths("?") == [1])
        #expect(try lengths("*4") == [4])
        #expect(try lengths("~3") == [2, 3, 4])
        #expect(try lengths("~1") == [1, 2])
        #expect(try lengths("?,~2") == [2, 3, 4])
        #expect(try lengths("a,*") == [5])
        #expect(try lengths("*,a,?") == [5])
        #expect(try lengths("a,?,c,?,k,*") == [5])
    }

    @Test("a network's own number of hops fills a path up")
    func shorterPaths() throws {
        var parameters = NetworkParameters()
        parameters.hops = 2
        let network = try TestDirectory.network(#require(Self.twelve).nodes, parameters: parameters)
        var generator = SeededRandom(name: "shorter")
        let selector = try Self.selector(network)
        for (text, count) in [("*", 2), ("a,*", 2), ("a,c,k,*", 3)] {
            #expect(
                try selector.choose(PathSpecification(text), demands: PathDemands(), using: &generator).count == count)
        }
    }

    @Test("named nodes stand where they were put, and no random node takes their place")
    func named() throws {
        try each("A,*,c,?", name: "named") { path in
            #expect(path[0] == "a")
            #expect(path[3] == "c")
            #expect(Set(path).count == 5)
            #expect(!path.contains("b"))
        }
        let prefix = String(try Self.id(3).hex.prefix(8))
        try each("?,\(prefix)", count: 10, name: "by id") { #expect($0[1] == "c") }
    }

    @Test("one of several is chosen, each at times, and only those that can deliver as the last")
    func oneOf() throws {
        var seen: Set<String> = []
        try each("{a|c|k},?", count: 100, name: "one of") { seen.insert($0[0]) }
        #expect(seen == ["a", "c", "k"])
        seen = []
        try each("?,{a|i|j}", Self.smtp, count: 100, name: "one of the last") { seen.insert($0[1]) }
        #expect(seen == ["i", "j"])
    }

    @Test("the parts of a message share their last node")
    func fixedExit() throws {
        let demands = PathDemands(exit: Self.smtp.exit, fixedExit: try Self.id(10))
        try each("*", demands, name: "fixed exit") { path in
            #expect(path[4] == "j")
            #expect(path.filter { $0 == "j" }.count == 1)
        }
        try each("?,{i|j}", demands, count: 20, name: "fixed among named") { #expect($0[1] == "j") }
        try refused(
            "?,i", demands: demands, .cannotExit("i", needs: "mail addresses"),
            "the path ends at i, which does not deliver to mail addresses")
        try refused(
            "*", demands: PathDemands(fixedExit: NodeID()), .unknownNode(NodeID().hex),
            "no node of this network is called \(NodeID().hex); see `nightjar nodes`")
        try refused(
            "*", demands: PathDemands(blocked: [try Self.id(10)], fixedExit: try Self.id(10)), .blockedNode("j"),
            "the path names j, which your configuration blocks")
    }

    @Test("a loop ends at the node itself and passes it nowhere else")
    func loops() throws {
        let own = try Self.id(4)
        try each("*", PathDemands(fixedExit: own, endpoint: own), name: "loop") { path in
            #expect(path.firstIndex(of: "d") == 4)
            #expect(path.filter { $0 == "d" }.count == 1)
        }
        try each("*3,d", PathDemands(endpoint: own), name: "loop by name") { path in
            #expect(path.firstIndex(of: "d") == 3)
        }
        // Without a fixed exit the node is no random hop either, at any place.
        try each("*", PathDemands(endpoint: own), name: "no loop") { #expect(!$0.contains("d")) }
        try refused(
            "d,?", demands: PathDemands(fixedExit: own, endpoint: own), .notFound("that every hop is another node"),
            "no path meets all demands: the one that failed most often is that every hop is another node; "
                + "shorten the path or demand less")
    }

    // MARK: fairness

    /// Pearson's statistic of `counts` against equal shares.
    private static func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    @Test("every node is as likely as every other at every place")
    func uniform() throws {
        var generator = SeededRandom(name: "uniform")
        let nodes = try (1...10).map { try TestDirectory.descriptor(UInt8($0), "n\($0)", "11.\($0).0.1") }
        let network = try TestDirectory.network(nodes)
        let selector = try Self.selector(network)
        let index = Dictionary(uniqueKeysWithValues: network.nodes.enumerated().map { ($1.id, $0) })
        var places = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 5)
        var pairs = [Int](repeating: 0, count: 100)
        for _ in 0..<2500 {
            let path = try selector.choose(.standard, demands: PathDemands(), using: &generator).map {
                try #require(index[$0.id])
            }
            for (place, node) in path.enumerated() { places[place][node] += 1 }
            pairs[path[0] * 10 + path[1]] += 1
        }
        // Nine degrees of freedom: beyond 60 lies less than one run in a hundred million, and a node of double weight gives 200.
        for (place, counts) in places.enumerated() { #expect(Self.chiSquare(counts) < 60, "place \(place): \(counts)") }
        // Ordered pairs at the first two places: 89 degrees of freedom, beyond 190 lies less than one in a hundred million.
        let ordered = pairs.enumerated().filter { $0.offset / 10 != $0.offset % 10 }.map(\.element)
        #expect(pairs.reduce(0, +) == ordered.reduce(0, +))
        #expect(Self.chiSquare(ordered) < 190, "\(ordered)")
    }

    @Test("a random generator of the same state gives the same path")
    func reproducible() throws {
        let selector = try Self.selector()
        var one = SeededRandom(seed: 5)
        var other = SeededRandom(seed: 5)
        for _ in 0..<20 {
            let paths = (
                try selector.choose(.standard, demands: Self.smtp, using: &one),
                try selector.choose(.standard, demands: Self.smtp, using: &other)
            )
            #expect(Self.names(paths.0) == Self.names(paths.1))
        }
    }

    // MARK: every constraint that fails is named

    @Test("what cannot be is refused with the constraint that failed")
    func errors() throws {
        try refused("zoe", .unknownNode("zoe"), "no node of this network is called zoe; see `nightjar nodes`")
        try refused("a,zoe,?", .unknownNode("zoe"), "no node of this network is called zoe; see `nightjar nodes`")
        try refused("a,*5", .tooLong(6, maximum: 5), "the path has 6 hops, but a packet has room for 5")
        try refused("a,a", .repeated("a"), "the path would pass a twice; every hop must be another node")
        try refused("a,c,b", .sameFamily("a", "b"), "the path would pass a and b, which the same people run")
        try refused(
            "e,f", .sameNetwork("e", "f"),
            "the path would pass e and f, which are in one network (IPv4 /16 or IPv6 /32)")
        try refused(
            "g,h", .sameNetwork("g", "h"),
            "the path would pass g and h, which are in one network (IPv4 /16 or IPv6 /32)")
        try refused(
            "?,a", demands: Self.smtp, .cannotExit("a", needs: "mail addresses"),
            "the path ends at a, which does not deliver to mail addresses")
        let nym = PathDemands(exit: [(Capability.Name.nymserver, "nyms")])
        try refused(
            "*", demands: nym, .noExit("nyms"), "no node of this network can deliver to nyms; see `nightjar nodes`")
        let both = PathDemands(
            exit: [(Capability.Name.smtp, "mail"), (Capability.Name.mbox, "mailboxes")], blocked: [try Self.id(10)])
        try refused(
            "*", demands: both, .noExit("mail and mailboxes"),
            "no node of this network can deliver to mail and mailboxes; see `nightjar nodes`")
        let few = try TestDirectory.network(Array(#require(Self.twelve).nodes.prefix(3)))
        try refused(
            "*", in: few, .notEnoughNodes(wanted: 5, usable: 3),
            "the path needs 5 different nodes, but only 3 of the network are usable")
        let most = "no path meets all demands: the one that failed most often is "
        let family = try TestDirectory.network([
            #require(Self.twelve?.node(named: "a")), #require(Self.twelve?.node(named: "b")),
        ])
        try refused(
            "*2", in: family, .notFound("that no two hops are of one family"),
            most + "that no two hops are of one family; shorten the path or demand less")
        let place = try TestDirectory.network([
            #require(Self.twelve?.node(named: "e")), #require(Self.twelve?.node(named: "f")),
        ])
        try refused(
            "*2", in: place, .notFound("that no two hops are in one network"),
            most + "that no two hops are in one network; shorten the path or demand less")
        try refused(
            "{a|c},a,c", .notFound("that every hop is another node"),
            most + "that every hop is another node; shorten the path or demand less")
        #expect(PathError.tooShort.description == "the path has no hop")
    }

    @Test("nodes without a key for now, or with an old descriptor, are not used, and naming one says why")
    func unusable() throws {
        let nodes = [
            try TestDirectory.descriptor(1, "a", "11.1.0.1"),
            try TestDirectory.descriptor(2, "b", "11.2.0.1") {
                $0.keys = [KeyPeriod(2966): try #require(TestDirectory.packetKey)]
            },
            try TestDirectory.descriptor(3, "c", "11.3.0.1") { $0.validUntil = TestDirectory.now },
        ]
        let network = try TestDirectory.network(nodes)
        #expect(try Self.selector(network).usableNodes.map(\.fields.nickname.text) == ["a"])
        try refused(
            "b", in: network, .noKey("b", period: "2967"),
            "node b has published no key for period 2967; run `nightjar network update`, or name another")
        try refused(
            "c", in: network, .expiredNode("c"),
            "the descriptor of node c has expired; run `nightjar network update`, or name another")
        try refused(
            "*2", in: network, .notEnoughNodes(wanted: 2, usable: 1),
            "the path needs 2 different nodes, but only 1 of the network are usable")
    }

    @Test("a path's hops carry the nodes' keys of the period, and its SURBs expire with them")
    func hops() throws {
        let selector = try Self.selector()
        let nodes = [try #require(Self.twelve?.node(named: "a")), try #require(Self.twelve?.node(named: "i"))]
        let hops = try selector.hops(nodes, delays: [5, 7], at: TestDirectory.now)
        #expect(hops.map(\.node) == nodes.map(\.id))
        #expect(hops.map(\.delay) == [5, 7])
        #expect(hops.allSatisfy { $0.period == TestDirectory.period && $0.key == TestDirectory.packetKey })
        #expect(throws: PathError.noKey("a", period: "2968")) {
            try selector.hops(nodes, delays: [5, 7], at: TestDirectory.now + .days(7))
        }
        let calendar = KeyPeriodCalendar()
        #expect(selector.expiry(at: TestDirectory.now) == calendar.destruction(of: TestDirectory.period))
    }
}
