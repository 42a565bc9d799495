// Reply blocks are used once, and answers are not lost, wherever the program is killed.

import Daemon
import Directory
import Foundation
import Glibc
import MixCrypto
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct UsedReplyBlockTests {
    private let directory: TemporaryDirectory
    private let key = SymmetricSecret.random()

    init() throws { directory = try TemporaryDirectory("used-blocks") }

    private func open() throws -> RecordStore {
        try RecordStore.open(path: directory.file("records.sqlite"), key: key)
    }

    private func answers(
        _ blocks: [SURB], _ network: TestNetwork, now: Timestamp
    ) throws -> [(block: SURB, packet: OutgoingPacket)] {
        try blocks.map { block in
            let content = [UInt8](repeating: 7, count: Geometry.suite1.contentSize)
            return (
                block,
                OutgoingPacket(
                    body: try block.makePacket(content: content, at: now), first: block.first, made: now,
                    deadline: now + .hours(1))
            )
        }
    }

    @Test("use and packets are one step: after it both are there, before it neither")
    func oneStep() throws {
        let network = try TestNetwork()
        let blocks = try BlockMaker(network).make(3)
        let now = Timestamp.now
        let made = try answers(blocks, network, now: now)
        let first = try open()
        try UsedReplyBlocks(first).use(Array(made.prefix(2)), network: "testing", at: now)
        // One that was used makes all of the next try fail, and none of it counts.
        #expect(throws: ReplyError.usedMeanwhile) {
            try UsedReplyBlocks(first).use([made[2], made[1]], network: "testing", at: now)
        }
        first.close()
        let again = try open()
        let used = UsedReplyBlocks(again)
        #expect(try blocks.map { try used.isUsed($0) } == [true, true, false])
        #expect(try used.date(blocks[0]) == now)
        #expect(try used.date(blocks[2]) == nil)
        #expect(try again.count(.waitingReplies) == 2)
    }

    @Test("the log survives what is forgotten: a block is known until long after its date")
    func memory() throws {
        let network = try TestNetwork()
        let block = try BlockMaker(network).make(1)[0]
        let now = Timestamp.now
        let store = try open()
        try UsedReplyBlocks(store).use(answers([block], network, now: now), network: "testing", at: now)
        try store.expire(now: block.expiry + .days(30))
        #expect(try UsedReplyBlocks(store).isUsed(block))
        #expect(try store.count(.waitingReplies) == 0, "its packet is past its deadline")
        try store.expire(now: block.expiry + .days(61))
        #expect(try !UsedReplyBlocks(store).isUsed(block))
    }

    @Test func aWaitingPacketIsReadAsItWasWritten() throws {
        let packet = OutgoingPacket(
            body: [UInt8](repeating: 1, count: 32_768), first: .random(), made: Timestamp(milliseconds: 5),
            deadline: Timestamp(milliseconds: 9))
        let bytes = WaitingReply(packet: packet, network: "testing").encoded
        let read = try WaitingReply(decoding: bytes)
        #expect(read.network == "testing")
        #expect(read.packet.body == packet.body && read.packet.first == packet.first)
        #expect(read.packet.made == packet.made && read.packet.deadline == packet.deadline)
        for count in [0, 10, 60, bytes.count - 1] {
            #expect(throws: WireError.self) { try WaitingReply(decoding: Array(bytes.prefix(count))) }
        }
    }

    @Test("a program killed between noting the use and queueing loses nothing; the next command sends it")
    func killedBetween() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        let maker = try BlockMaker(network)
        let block = try user.file("block", maker.text(1))
        // The queue is held by somebody else, so that the answer cannot get into it; then the program is killed.
        #expect(try await user.run("reply", "--surb", block, "--no-deliver", input: "Kept\n").code == 0)
        #expect(try await user.run("queue", "clean", "--yes").code == 0)
        let client = try Client(home: user.home, environment: [:], terminal: .standard, isQuiet: true)
        let store = try client.records()
        let second = try maker.make(1)
        let now = Timestamp.now
        let message = try Composition(Array("Kept\n".utf8), request: ComposeRequest()).reply(enclosing: [])
        let planner = ReplyPlanner(network: network.file, options: SendOptions(), isDirect: false, now: now)
        var generator = SystemRandomNumberGenerator()
        let parts = try planner.parts(of: message, using: &generator)
        try UsedReplyBlocks(store).use(
            planner.packets(of: parts, through: second, using: &generator), network: "testing", at: now)
        store.close()
        // Killed here. The block cannot be used again, and its packet leaves with the next command that looks.
        let file = try user.file("second", second[0].encoded)
        #expect(try await user.run("reply", "--surb", file, input: "Again\n").code == 4)
        let list = try await user.run("queue", "list", "--json")
        #expect(list.output.contains("\"packets\" : 1"), "\(list)")
        try await network.start()
        #expect(try await user.run("queue", "flush").code == 0)
        let journeys = try network.answers()
        #expect(journeys.count == 1)
        #expect(try maker.message(journeys).body == Array("Kept\r\n".utf8))
        await network.stop()
    }

    @Test("killed between queueing and forgetting, a packet leaves twice and is one at its node: the same replay tag")
    func killedAfterQueueing() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        try await network.start()
        let maker = try BlockMaker(network)
        let block = try maker.make(1)[0]
        let client = try Client(home: user.home, environment: [:], terminal: .standard, isQuiet: true)
        let store = try client.records()
        let now = Timestamp.now
        let made = try answers([block], network, now: now)
        try UsedReplyBlocks(store).use(made, network: "testing", at: now)
        let waiting = try store.all(.waitingReplies)
        #expect(try await user.run("queue", "list").code == 0)
        #expect(try store.count(.waitingReplies) == 0)
        try store.transaction { try $0.put(.waitingReplies, waiting[0].name, waiting[0].value, expires: nil) }
        store.close()
        #expect(try await user.run("queue", "flush").code == 0)
        #expect(Set(network.taken.map(\.body)) == [made[0].packet.body])
        await network.stop()
    }

    @Test("killed at any moment: an answer leaves whole or not at all, and a block is used if and only if it leaves")
    func killedAnywhere() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        try await network.start()
        let maker = try BlockMaker(network)
        var generator = SeededRandom(name: "moments of death")
        let letter = try user.file(
            "letter", Hex.encode(generator.bytes(20_000)).split(every: 60).joined(separator: "\n"))
        var given: [[SURB]] = []
        for number in 0..<8 {
            let blocks = try maker.make(4)
            given.append(blocks)
            let file = try user.file("blocks-\(number)", blocks.flatMap(\.encoded))
            let run = try user.start(["reply", "--surb", file, letter])
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...400, using: &generator)))
            kill(run.pid, SIGKILL)
            _ = try await run.end()
        }
        #expect(try await user.run("queue", "flush").code == 0)
        let client = try Client(home: user.home, environment: [:], terminal: .standard, isQuiet: true)
        let store = try client.records()
        defer { store.close() }
        // The packets that arrived, each once however often it was handed over; by the first node of its block's path and
        // its header, which the crossover was given.
        let arrived = try Set(network.answers().map(\.info.id)).count
        let used = try given.map { blocks in try blocks.count { try UsedReplyBlocks(store).isUsed($0) } }
        #expect(used.allSatisfy { [0, 4].contains($0) }, "\(used)")
        #expect(arrived == used.reduce(0, +))
        await network.stop()
    }
}

extension String {
    /// Pieces of `count` characters, the last one possibly shorter.
    fileprivate func split(every count: Int) -> [Substring] {
        stride(from: 0, to: self.count, by: count).map { start in
            let from = index(startIndex, offsetBy: start)
            return self[from..<(index(from, offsetBy: count, limitedBy: endIndex) ?? endIndex)]
        }
    }
}
