import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

/// Whose statements of opt-outs count, and whose stay when there is no room.
@Suite struct OptOutCacheTests {
    static let now = AuthorityBench.now

    static func key(_ number: UInt8) throws -> SigningKey {
        var seed = [UInt8](repeating: number, count: 32)
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }

    static func hashes(_ count: Int, _ seed: UInt8) throws -> [OptOutHash] {
        try (0..<count).map { number in
            try #require(
                OptOutHash([seed, UInt8(number >> 8), UInt8(number & 0xFF)] + [UInt8](repeating: 0, count: 13)))
        }
    }

    static func statement(_ number: UInt8, _ hashes: [OptOutHash], age: Interval = .zero) throws
        -> OptOutStatement
    {
        try OptOutStatement.make(hashes, network: "testing", published: now - age, identity: key(number))
    }

    static func node(_ number: UInt8, _ address: String, _ capability: String, naming digest: Digest) throws
        -> Descriptor
    {
        let period = try #require(NetworkParameters().calendar.period(at: now))
        return try Descriptor.make(
            DescriptorFields(
                network: "testing", nickname: #require(Nickname("node\(number)")),
                addresses: [#require(NodeAddress(address))], published: now - .hours(1), validUntil: now + .days(2),
                keys: [period: #require(AuthorityBench.packetKey)], capabilities: [Capability(capability)],
                optOuts: digest, software: "test"), identity: key(number))
    }

    static func network(_ nodes: [Descriptor]) throws -> (Network, SoleAuthority) {
        let authority = try SoleAuthority(
            network: "testing", isTest: false, key: HybridSigningKey.generate(), published: now - .hours(2))
        let consensus = try authority.certify(nodes, at: now)
        return (Network(root: authority.root, consensus: consensus, descriptors: nodes), authority)
    }

    @Test func onlyExitsCountAndHostsNeedTwoPlaces() throws {
        let host = try OptOutHashing(network: "testing")(#require(OptOutAddress("@large.example")))
        func list(_ capability: String, _ addresses: [String], age: Interval = .zero) throws -> OptOutList {
            let directory = try TemporaryDirectory("opt-outs")
            let statements = try (1...2).map { try Self.statement(UInt8($0), [host], age: age) }
            let nodes = try statements.enumerated().map { index, statement in
                try Self.node(UInt8(index + 1), addresses[index], capability, naming: statement.digest)
            }
            let (network, authority) = try Self.network(nodes)
            let cache = DirectoryCache(directory: directory.file("cache"))
            try cache.install(root: authority.root.bytes)
            for statement in statements { #expect(try OptOutCache(cache).keep(statement, in: network) == .stored) }
            let isExit = capability == Capability.Name.smtp
            #expect(OptOutCache.isExit(nodes[0].id, in: network) == isExit)
            #expect(OptOutRefresh.isComplete(OptOutCache(cache).statements("testing"), network: network))
            let list = OptOutList(network: "testing")
            _ = OptOutCache(cache).load(list, network, at: Self.now)
            return list
        }
        #expect(try list(Capability.Name.smtp, ["8.8.4.4", "9.9.9.9"]).contains("ada@large.example"))
        // Of one /16.
        #expect(try !list(Capability.Name.smtp, ["8.8.4.4", "8.8.9.9"]).contains("ada@large.example"))
        // What was an exit once counts for a while.
        #expect(try list(Capability.Name.relay, ["8.8.4.4", "9.9.9.9"]).count == 1)
        #expect(try list(Capability.Name.relay, ["8.8.4.4", "9.9.9.9"], age: .days(121)).count == 0)
    }

    @Test func aRelaysStatementIsNotEvenFetched() throws {
        let statements = try (1...2).map { try Self.statement(UInt8($0), Self.hashes(1, 1)) }
        let nodes = [
            try Self.node(1, "8.8.4.4", Capability.Name.relay, naming: statements[0].digest),
            try Self.node(2, "9.9.9.9", Capability.Name.smtp, naming: statements[1].digest),
        ]
        let (network, _) = try Self.network(nodes)
        #expect(OptOutRefresh.missing([:], network).map(\.node) == [nodes[1].id])
        #expect(!OptOutRefresh.isComplete([], network: network))
    }

    @Test func theLargestMakeRoomForOthersAndNeverTheOtherWayRound() throws {
        let directory = try TemporaryDirectory("opt-outs")
        let large = try (1...2).map { try Self.statement(UInt8($0), Self.hashes(400, UInt8($0))) }
        let small = try Self.statement(3, Self.hashes(2, 3))
        let nodes = try (1...3).map { number in
            try Self.node(
                UInt8(number), "8.\(number).4.4", Capability.Name.smtp,
                naming: number == 3 ? small.digest : large[number - 1].digest)
        }
        let (network, authority) = try Self.network(nodes)
        let cache = DirectoryCache(directory: directory.file("cache"))
        try cache.install(root: authority.root.bytes)
        let room = OptOutCache(cache, limit: large.reduce(0) { $0 + $1.bytes.count } + 10)
        for statement in large { #expect(try room.keep(statement, in: network) == .stored) }
        #expect(try room.keep(small, in: network) == .stored)
        #expect(room.statements("testing").count == 2)
        let gone = try #require(large.first { room.statement(of: $0.node, network: "testing") == nil })
        #expect(try room.keep(gone, in: network) == .full)
        #expect(room.statement(of: small.node, network: "testing")?.digest == small.digest)
    }
}
