import Daemon
import Directory
import DirectoryService
import Foundation
import MMTP
import MixCrypto
import Mixing
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// A bad node on purpose: what it does, and that it is possible in test networks only.
@Suite("Injected faults")
struct InjectedFaultsTests {
    @Test("no fault is accepted outside a test network", arguments: ["drop-fraction", "delay", "dead-links"])
    func testNetworksOnly(key: String) throws {
        let now = Timestamp(seconds: 1_790_000_000)
        var settings = NodeSettings(
            nickname: try #require(Nickname("node")), dataDirectory: "", networkFile: "", listen: [],
            addresses: [try #require(NodeAddress("mix.example.org:48099"))])
        func file(isTest: Bool) throws -> NetworkFile {
            try SoleAuthority(network: "net", isTest: isTest, key: HybridSigningKey.generate(), published: now).root
        }
        let (test, real) = (try file(isTest: true), try file(isTest: false))
        #expect(throws: Never.self) { try settings.checkScale(real) }
        switch key {
        case "drop-fraction": settings.faults.dropFraction = 0.01
        case "delay": settings.faults.delay = .seconds(1)
        default: settings.faults.deadLinks = ["other"]
        }
        #expect(throws: Never.self) { try settings.checkScale(test) }
        #expect {
            try settings.checkScale(real)
        } throws: {
            ($0 as? CommandFailure)?.code == .usage
                && String(describing: $0).contains("[test] \(key) is set, but net is no test network; remove it")
        }
    }

    @Test("the file's words")
    func configuration() throws {
        func read(_ text: String) throws -> InjectedFaults {
            let file = try ConfigFile(text: text, name: "node.toml", directory: "/")
            let faults = InjectedFaults.read(file.root.table("test"))
            try file.finish()
            return faults
        }
        let id = String(repeating: "5a", count: 32)
        let faults = try read("[test]\ndrop-fraction = 0.2\ndelay = \"30m\"\ndead-links = [\"bravo\", \"\(id)\"]")
        #expect(faults.dropFraction == 0.2 && faults.delay == .minutes(30) && faults.deadLinks == ["bravo", id])
        #expect(faults.names == ["drop-fraction", "delay", "dead-links"])
        #expect(try read("").names.isEmpty)
        #expect(throws: (any Error).self) { try read("[test]\ndrop-fraction = 1.2") }
        #expect(throws: (any Error).self) { try read("[test]\ndelay = \"25h\"") }
        #expect {
            try read("[test]\ndead-links = [\"5a5a5a5a\"]")
        } throws: {
            String(describing: $0).contains("'5a5a5a5a' is neither a nickname nor a node id")
        }
    }

    @Test("over a dead link nothing goes, by nickname and by id; over the others everything", .timeLimit(.minutes(2)))
    func deadLinks() async throws {
        let network = try await InProcessNetwork(nodes: 4) { index, settings in
            if index == 0 { settings.faults.deadLinks = ["node1"] }
        }
        // The third's id is known only now.
        try await network.start(0)
        for index in 1..<4 { try await network.start(index) }
        var generator = SeededRandom(name: "dead links")
        func send(_ path: [Int]) async throws {
            let packets = try (0..<5).flatMap { _ in
                try network.packets(body: [65], to: "drop:", path: path, using: &generator)
            }
            #expect(try await network.send(packets, to: path[0]).allSatisfy { $0 == .received })
        }
        try await send([0, 1])
        try await send([0, 2])
        try await send([1, 0, 3])
        try await send([2, 0, 1])
        let node = try #require(network.nodes[0])
        #expect(
            try await network.wait {
                let books = node.ledger.snapshot
                return books.forwarded == 10 && books.dropped[.injected] == 10 && books.held == 0
            }, "\(node.ledger.snapshot)")
        try await network.stopAll()

        let faults = InjectedFaults(deadLinks: [network.descriptor(2).id.hex])
        #expect(faults.breaks(network.descriptor(2).id, named: { _ in nil }))
        #expect(!faults.breaks(network.descriptor(1).id, named: { _ in nil }))
    }

    @Test("a slow node holds what it hands on for that much longer, and loses nothing", .timeLimit(.minutes(2)))
    func delay() async throws {
        // More than a pool's cap.
        let extra = Interval.minutes(45)
        let network = try await InProcessNetwork(nodes: 3) { index, settings in
            if index == 0 { settings.faults.delay = extra }
        }
        for index in 0..<3 { try await network.start(index) }
        var generator = SeededRandom(name: "a slow node")
        let asked: UInt32 = 60_000
        func send(_ path: [Int], of node: Int) async throws -> Interval {
            let packets = try network.packets(body: [65], to: "drop:", path: path, delay: asked, using: &generator)
            let node = try #require(network.nodes[node])
            let before = node.ledger.snapshot.forwarded
            let begin = network.clock.now()
            #expect(try await network.send(packets, to: path[0]).allSatisfy { $0 == .received })
            #expect(try await network.wait { node.ledger.snapshot.forwarded == before + Int64(packets.count) })
            return network.clock.now() - begin
        }
        let slow = try await send([0, 1], of: 0)
        let fair = try await send([2, 1], of: 2)
        print("slow \(slow.inSeconds) s, fair \(fair.inSeconds) s")
        #expect(slow >= extra + .minutes(1))
        #expect(fair >= .minutes(1) && fair < extra)
        #expect(network.nodes[0]?.ledger.snapshot.dropped[.injected] == nil)
        try await network.stopAll()
    }
}
