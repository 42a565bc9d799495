// What goes wrong with one message, and what must not go wrong with the others because of it.

import Daemon
import Directory
import Foundation
import Messages
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5)))
struct SendFailureTests {
    private func client(_ user: User) throws -> Client {
        try Client(home: user.home, environment: [:], terminal: Terminal(output: -1, errors: -1), isQuiet: true)
    }

    /// A message that is recorded, and of which no packet is made yet.
    private func record(_ user: User) async throws -> SentMessage {
        let client = try client(user)
        let lock = try await RunLock(client.places, networks: ["testing"])
        defer { withExtendedLifetime(lock) {} }
        var request = SendRequest(file: try user.file("recorded", "Hello\n"))
        request.recipients = ["alice@example.org"]
        let id = try #require(try await client.send(request).first)
        let records = try client.records()
        defer { records.close() }
        return try #require(try client.sentLog(records).message(id))
    }

    /// One that cannot be read any more.
    private func recordBroken(_ user: User) async throws {
        let file = try #require(try await record(user).file)
        try FileManager.default.removeItem(atPath: "\(user.home)/outbox/\(file.name.hex)")
    }

    private func queue(_ client: Client) async throws -> OutgoingQueue {
        try await OutgoingQueue.open(
            client.places, network: "testing", limit: 100, now: client.time.clock.now(), patience: .zero,
            terminal: Terminal(output: -1, errors: -1))
    }

    private func packet(_ network: TestNetwork, made: Timestamp, deadline: Timestamp) -> OutgoingPacket {
        OutgoingPacket(
            body: [UInt8](repeating: 1, count: 32_768), first: network.nodes[0].id, made: made, deadline: deadline)
    }

    @Test func whatWaitsAndFailsDoesNotMakeAMailFailThatHasLeft() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        try await network.start()
        try await recordBroken(user)
        let run = try await user.run("send", "--to", "bob@example.org", input: "Hello\n")
        #expect(run.code == 0, "\(run)")
        #expect(run.messages.contains("messages that wait to be sent: "), "\(run)")
        #expect(run.messages.hasSuffix("sent: 1 packet handed over\n"), "\(run)")
        #expect(try network.messages().count == 1)
        // Who asks for the others is shown how they stand, and told that it failed.
        let update = try await user.run("sent", "--update")
        #expect(update.code == 1 && !update.messages.isEmpty, "\(update)")
        #expect(update.output.contains("recorded") && update.output.contains("handed over"), "\(update)")
        await network.stop()
    }

    @Test func aFailureInTheBackgroundHoldsNoAnswerUp() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        try await recordBroken(user)
        let client = try client(user)
        let records = try client.records()
        defer { records.close() }
        let now = client.time.clock.now()
        try PendingReplies(records).add(
            [
                packet(network, made: now, deadline: now + .hours(1)),
                packet(network, made: now - .hours(2), deadline: now - .hours(1)),
            ], network: "testing")
        let queue = try await queue(client)
        defer { queue.close() }
        let work = BackgroundWork(
            client: client, records: records, keyring: try Keyring.open(client, passphrase: .none))
        let made = try work.makePackets(client.network(nil), queue: queue, unreachable: [])
        #expect(made.packets.count == 1 && made.lost == 1 && made.problem != nil)
        #expect(try work.makePackets(client.network(nil), queue: queue, unreachable: []).lost == 0)
    }

    @Test func answersThatAreGivenUpAreTold() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        let client = try client(user)
        let records = try client.records()
        let now = client.time.clock.now()
        let late = packet(network, made: now - .hours(3), deadline: now - .hours(1))
        try PendingReplies(records).add([late, late], network: "testing")
        // Whatever else is forgotten does not take them along.
        try records.expire(now: now)
        records.close()
        let told = Transcript(
            output: "no packets wait\n",
            messages: "2 packets of answers had waited past their deadline and were given up; their reply blocks are "
                + "used, so ask for new ones and answer again\n")
        #expect(try await user.run("queue", "list") == told)
        #expect(try await user.run("queue", "list") == Transcript(output: "no packets wait\n"))
    }

    @Test func packetsThatTheLogDoesNotKnowAreNotInTheQueue() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        let message = try await record(user)
        let file = try #require(message.file)
        let client = try client(user)
        let records = try client.records()
        let queue = try await queue(client)
        defer { queue.close() }
        let turn = SendTurn(
            client: client, network: try client.network(nil), log: client.sentLog(records), receipts: nil)
        let making = PacketMaking(turn, outbox: try Outbox(client.places), queue: queue)
        let now = client.time.clock.now()
        // From now on the log cannot be written.
        records.close()
        var isMade = false
        #expect(throws: SpoolError.closed) { try making.makeAll(message, at: now) { _ in isMade = true } }
        #expect(isMade && queue.spool.statistics.packets == 0)
        #expect(throws: SpoolError.closed) {
            try making.make([.part(group: 0, index: 0, avoiding: [])], of: message, file: file, at: now)
        }
        #expect(queue.spool.statistics.packets == 0)
    }

    @Test func whatNeverHadAPacketWasNotSent() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        var message = try await record(user)
        let client = try client(user)
        let records = try client.records()
        defer { records.close() }
        let log = client.sentLog(records)
        // Its exit has left the network.
        _ = try log.update(message.id) { message, _, _ in message.exit = .random() }
        let queue = try await queue(client)
        defer { queue.close() }
        let turn = SendTurn(client: client, network: try client.network(nil), log: log, receipts: nil)
        let now = client.time.clock.now()
        let result = try turn.turn(at: now, queue: queue)
        #expect(result.made.isEmpty && result.failure is PathError)
        func status(at time: Timestamp) -> String { SentEntry.status(message.outcomes[0], of: message, now: time) }
        #expect(status(at: now) == "recorded")
        #expect(status(at: message.deadline) == "not sent")
        #expect(try turn.turn(at: message.deadline, queue: queue).failure == nil)
        message = try #require(try log.message(message.id))
        #expect(message.stage == .settled && message.packets == 0)
        #expect(status(at: message.deadline) == "not sent")
        message.packets = 1
        #expect(status(at: message.deadline) == "handed over")
    }
}
