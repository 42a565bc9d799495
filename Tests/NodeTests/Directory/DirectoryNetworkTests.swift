import Daemon
import Directory
import DirectoryService
import Foundation
import Logging
import MMTP
import MixCrypto
import Mixing
import NIOPosix
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Nodes and their directory")
struct DirectoryNetworkTests {
    private static func source(_ network: InProcessNetwork, _ index: Int) throws -> LinkSource {
        let dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledTime.systemTime() })
        let node = try #require(network.nodes[index])
        return LinkSource(name: "node", node: node.id, addresses: network.settings[index].listen, dialer: dialer)
    }

    @Test(
        "nodes with nothing but the network file make themselves known, fetch the first consensus and work",
        .timeLimit(.minutes(3)))
    func bootstrap() async throws {
        let authority = AuthorityStandIn()
        let network = try await InProcessNetwork(nodes: 3, urls: [try await authority.start()], isInstalled: false)
        authority.serve(Network(root: network.authority.root))
        for index in 0..<3 { try await network.start(index) }
        #expect(try await network.wait { Set(authority.posted.map(\.id)).count == 3 })
        let nodes = try (0..<3).map { try #require(network.nodes[$0]) }
        let known = authority.posted.filter { posted in nodes.contains { $0.publisher.current?.digest == posted.digest }
        }
        #expect(known.count == 3)
        #expect(
            try await network.wait {
                nodes.allSatisfy { $0.counters.health.current["directory"] == "no consensus yet" }
            })
        try network.certify(known)
        var generator = SeededRandom(name: "bootstrap")
        let packets = try (0..<10).flatMap { _ in
            try network.packets(body: [65], to: "drop:", path: [0, 1, 2], using: &generator)
        }
        // Before it knows the network a node takes nothing: what it could not hand on would be lost.
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .rejected(.busy) })
        authority.serve(network.file)
        #expect(try await network.wait { nodes.allSatisfy { $0.network.current.nodes.count == 3 } })
        #expect(try await network.wait { nodes.allSatisfy { $0.counters.health.current["directory"] == nil } })
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        #expect(
            try await network.wait { nodes[2].ledger.snapshot.received == 10 && nodes[2].ledger.snapshot.held == 0 })
        for node in nodes { #expect(throws: Never.self) { try node.ledger.snapshot.check() } }
        // What an authority answered is noted after it has taken the descriptor.
        #expect(
            try await network.wait {
                let status = try NodeStatus(network.settings[1], now: network.clock.now())
                return status.publication?.authorities.map(\.isTaken) == [true]
            })
        let status = try NodeStatus(network.settings[1], now: network.clock.now())
        #expect(status.trouble == nil && status.isListed && status.flags.contains("Running"))
        #expect(status.consensus?.nodes == 3 && status.consensus?.missing == 0)
        #expect(status.publication?.authorities.map(\.isTaken) == [true])
        #expect(status.lines.contains { $0.hasPrefix("authority  sole has the descriptor (") })
        try await network.stopAll()
        authority.stop()
    }

    @Test(
        "what an authority refuses is told in its words, and offered again when the operator asks",
        .timeLimit(.minutes(3)))
    func refusal() async throws {
        let authority = AuthorityStandIn()
        authority.takes(.refused("the nickname node0 belongs to another node"))
        let network = try await InProcessNetwork(nodes: 1, urls: [try await authority.start()])
        authority.serve(network.file)
        try await network.start(0)
        func entry() throws -> PublicationRecord.Entry? {
            try NodeStatus(network.settings[0], now: network.clock.now()).publication?.authorities.first
        }
        #expect(try await network.wait { try entry()?.outcome == "refused" })
        #expect(try entry()?.words == "refuses the descriptor: the nickname node0 belongs to another node")
        #expect(try entry()?.next != nil && entry()?.isTaken == false)
        authority.takes(.busy(retryAfter: .seconds(1)))
        network.nodes[0]?.publisher.hurry()
        #expect(try await network.wait { try entry()?.outcome == "later" })
        authority.takes(.stored)
        #expect(try await network.wait { try entry()?.isTaken == true })
        try await network.stopAll()
        authority.stop()
    }

    @Test(
        "a node that started without the network's parameters says so until it is started again",
        .timeLimit(.minutes(3)))
    func parameters() async throws {
        let authority = AuthorityStandIn()
        var parameters = NetworkParameters()
        parameters.loopInterval = .seconds(17)
        let network = try await InProcessNetwork(
            nodes: 1, urls: [try await authority.start()], parameters: parameters, isInstalled: false)
        try await network.start(0)
        #expect(try await network.wait { authority.posted.count > 0 })
        try network.certify(authority.posted)
        authority.serve(network.file)
        func trouble() -> String? { network.nodes[0]?.counters.health.current["parameters"] }
        func status() throws -> NodeStatus { try NodeStatus(network.settings[0], now: network.clock.now()) }
        #expect(try await network.wait { trouble() != nil })
        try await network.stop(0)
        try await network.start(0)
        #expect(trouble() == nil && network.nodes[0]?.network.current.parameters.loopInterval == .seconds(17))
        #expect(try !status().isOutdated)
        try await network.stopAll()
        authority.stop()
    }

    @Test("every node serves the directory, with mailboxes and without", .timeLimit(.minutes(3)))
    func serves() async throws {
        let network = try await InProcessNetwork(nodes: 2) { index, settings in
            if index == 1 { settings.mailboxes = MailboxSettings() }
        }
        for index in 0..<2 {
            try await network.start(index)
            let source = try Self.source(network, index)
            let consensus = try #require(network.file.consensus)
            #expect(try await source.consensus(newerThan: nil) == consensus.bytes)
            #expect(try await source.consensus(newerThan: consensus.link) == nil)
            let found = try await source.descriptors(network.file.nodes.map(\.digest), outOf: 2)
            #expect(Set(found) == Set(network.file.nodes.map(\.bytes)))
            #expect(try await source.networkFile(nil) == network.authority.root.bytes)
            await #expect(throws: FetchError.notFound) { try await source.document(Digest()) }
            let directory = try TemporaryDirectory("from-node")
            let cache = DirectoryCache(directory: directory.file("cache"))
            try cache.install(root: network.authority.root.bytes)
            let outcome = await DirectoryRefresh.run(cache, sources: [source], now: network.clock.now())
            #expect(outcome.result == .updated, "\(outcome.warnings)")
        }
        // Frames that are no questions, and a kind of block that the node does not have.
        let dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledTime.systemTime() })
        let node = try #require(network.nodes[0])
        let connection = try await dialer.connect(to: node.id, at: network.settings[0].listen)
        let garbage = [UInt8](repeating: 0xEE, count: LinkFrame.bodySize)
        #expect(try await connection.ask(.directory, body: garbage).answer == .rejected(.malformed))
        #expect(try await connection.ask(.fetch, body: garbage).answer == .rejected(.malformed))
        #expect(try await connection.ask(.directory, body: DirectoryRequest(.latest).encoded).answer == .received)
        connection.close()
        try await network.stopAll()
    }

    @Test("when no authority answers, other nodes do; a newer consensus on the disk is taken", .timeLimit(.minutes(3)))
    func fromNodes() async throws {
        let port = try InProcessNetwork.freePorts(1)[0]
        let network = try await InProcessNetwork(nodes: 3, urls: ["http://127.0.0.1:\(port)"])
        for index in 0..<3 { try await network.start(index) }
        let old = try #require(network.file.consensus?.slot)
        // A slot later the first two nodes have a newer one, put there by hand.
        #expect(try await network.wait { network.authority.root.slots.slot(at: network.clock.now()) != old })
        try network.install(network.file.nodes, at: [0, 1])
        let new = network.file.height
        #expect(new > old.number)
        #expect(try await network.wait { [0, 1].allSatisfy { network.nodes[$0]?.network.current.height == new } })
        let last = try #require(network.nodes[2])
        #expect(try await network.wait { last.network.current.height == new })
        #expect(try await network.wait { last.desk.newest == network.file.consensus?.link })
        try await network.stopAll()
    }

    @Test(
        "a consensus beside ours that an asker names is looked for, and kept as evidence if it is real",
        .timeLimit(.minutes(3)))
    func gossip() async throws {
        let authority = AuthorityStandIn()
        let network = try await InProcessNetwork(nodes: 2, urls: [try await authority.start()])
        authority.serve(network.file)
        try await network.start(0)
        let node = try #require(network.nodes[0])
        let ours = try #require(network.file.consensus)
        // Made up: nobody has it, and nothing comes of it.
        let invented = ConsensusLink(slot: ours.slot, digest: .sha256([1]))
        #expect(node.desk.answer(DirectoryRequest(.latest, newest: invented)).newest == ours.link)
        _ = await node.keeper.refresh(at: network.clock.now())
        #expect(node.network.cache.forks().isEmpty && node.desk.takeSuspicions().isEmpty)
        // Real: the authority has signed two for the slot.
        let other = try network.authority.certify(
            Array(network.file.nodes.dropLast()), at: network.authority.root.slots.start(of: ours.slot))
        authority.serve(other.bytes, as: other.link.digest)
        _ = node.desk.answer(DirectoryRequest(.networkFile(nil), newest: other.link))
        _ = await node.keeper.refresh(at: network.clock.now())
        #expect(try await network.wait { node.network.cache.forks().count == 1 })
        #expect(node.network.current.consensus?.link == ours.link)
        #expect(try await network.wait { node.counters.health.current["authorities"] != nil })
        func status() throws -> NodeStatus { try NodeStatus(network.settings[0], now: network.clock.now()) }
        #expect(try status().trouble?.contains("evidence --acknowledge") == true)
        // The operator takes note.
        try node.network.cache.acknowledgeForks()
        #expect(try await network.wait { node.counters.health.current["authorities"] == nil })
        #expect(try status().trouble?.contains("two certified") != true && status().forks == 1)
        try await network.stopAll()
        authority.stop()
    }

    @Test(
        "a fork of a slot that is past is found; what is handed out in its place is not installed",
        .timeLimit(.minutes(3)))
    func pastFork() async throws {
        let authority = AuthorityStandIn()
        let network = try await InProcessNetwork(nodes: 2, urls: [try await authority.start()])
        authority.serve(network.file)
        try await network.start(0)
        let node = try #require(network.nodes[0])
        let slots = network.authority.root.slots
        let first = try #require(network.file.consensus)
        let nodes = network.file.nodes
        let other = try network.authority.certify(
            Array(nodes.dropLast()), at: slots.start(of: first.slot))
        #expect(try await network.wait { slots.slot(at: network.clock.now()) != first.slot })
        try network.certify(nodes)
        authority.serve(network.file)
        let second = try #require(network.file.consensus)
        #expect(try await network.wait { node.desk.newest == second.link })
        // A source that has something newer for the name of what it is asked for.
        #expect(try await network.wait { slots.slot(at: network.clock.now()) != second.slot })
        let third = try network.authority.certify(Array(nodes.dropLast()), at: network.clock.now())
        let invented = ConsensusLink(slot: first.slot, digest: .sha256([1]))
        authority.serve(third.bytes, as: invented.digest)
        _ = node.desk.answer(DirectoryRequest(.latest, newest: invented))
        _ = await node.keeper.refresh(at: network.clock.now())
        #expect(try node.network.cache.newest()?.link == second.link)
        #expect(node.network.cache.forks().isEmpty)
        authority.serve(other.bytes, as: other.link.digest)
        _ = node.desk.answer(DirectoryRequest(.latest, newest: other.link))
        _ = await node.keeper.refresh(at: network.clock.now())
        #expect(try await network.wait { node.network.cache.forks().map(\.slot) == [first.slot] })
        #expect(try node.network.cache.newest()?.link == second.link)
        try await network.stopAll()
        authority.stop()
    }

    @Test(
        "a node that leaves says so, serves on, and may be stopped when no valid consensus names it",
        .timeLimit(.minutes(3)))
    func leaving() async throws {
        let authority = AuthorityStandIn()
        let network = try await InProcessNetwork(nodes: 2, urls: [try await authority.start()])
        authority.serve(network.file)
        for index in 0..<2 { try await network.start(index) }
        let node = try #require(network.nodes[1])
        let first = try #require(network.file.consensus?.consensus)
        #expect(try await network.wait { authority.posted.contains { $0.id == node.id && !$0.fields.isLeaving } })
        let files = NodeFiles(directory: network.settings[1].dataDirectory)
        try AtomicFile.write(text: "", to: files.leaving)
        #expect(try await network.wait { authority.posted.contains { $0.id == node.id && $0.fields.isLeaving } })
        #expect(!node.publisher.mayStop(at: network.clock.now()))
        // A slot later the authority lists it no more.
        #expect(try await network.wait { network.authority.root.slots.slot(at: network.clock.now()) != first.slot })
        try network.install([network.file.nodes[0], network.file.nodes[1]].filter { $0.id != node.id })
        let second = network.file.height
        #expect(try await network.wait { [0, 1].allSatisfy { network.nodes[$0]?.network.current.height == second } })
        #expect(!node.publisher.mayStop(at: network.clock.now()))
        // Others still reach it: packets that name it are on their way.
        let other = try #require(network.nodes[0])
        #expect(other.network.current.standing(of: node.id) == nil)
        #expect(other.network.addresses(of: node.id) == network.settings[1].listen)
        #expect(node.publisher.mayStop(at: first.validUntil))
        #expect(!node.publisher.mayStop(at: network.file.validUntil))
        let status = try NodeStatus(network.settings[1], now: first.validUntil)
        #expect(status.isLeaving && status.mayStop && status.trouble == nil)
        try AtomicFile.remove(files.leaving)
        #expect(!node.publisher.mayStop(at: first.validUntil))
        // Also after it was started again.
        try await network.stop(0)
        try await network.start(0)
        #expect(network.nodes[0]?.network.addresses(of: node.id) == network.settings[1].listen)
        try await network.stopAll()
        authority.stop()
    }
}
