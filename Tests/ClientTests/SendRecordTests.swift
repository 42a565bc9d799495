// What `send` writes down first: crashes between record and packets, memory, lost parts, detours.

import Daemon
import Directory
import Foundation
import Glibc
import Messages
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(10)))
struct SendRecordTests {
    /// A client in `user`'s home that says nothing.
    private func client(_ user: User) throws -> Client {
        try Client(home: user.home, environment: [:], terminal: Terminal(output: -1, errors: -1), isQuiet: true)
    }

    private func mail(_ random: inout SeededRandom, bytes: Int) -> [UInt8] {
        let text = Array(Base64.encode(random.bytes(bytes)).utf8)
        return stride(from: 0, to: text.count, by: 76).flatMap { text[$0..<min($0 + 76, text.count)] + [13, 10] }
    }

    /// Records a message as `send` does, and stops there.
    private func record(_ text: [UInt8], user: User) async throws -> SentMessage {
        let client = try client(user)
        let network = try client.network(nil)
        var request = SendRequest(file: try user.file("mail-\(UUID().uuidString)", text))
        request.recipients = ["alice@example.org"]
        let options = try client.options(for: request, in: network)
        let now = client.time.clock.now()
        let planner = PacketPlanner(network: network, options: options, now: now)
        let composed = try client.compose(request, network: network, planner: planner) {
            throw CommandFailure("no keyring", code: .failed)
        }
        try await client.openQueue(network).close()
        let records = try client.records()
        defer { records.close() }
        let recording = MessageRecording(
            client: client, network: network, options: options, outbox: try Outbox(client.places),
            log: client.sentLog(records), receipts: nil, isReliable: false, path: "*")
        return try recording.record(composed, at: now)[0]
    }

    private func change(_ user: User, _ id: MessageID, _ body: (inout SentMessage) -> Void) throws {
        let client = try client(user)
        let records = try client.records()
        defer { records.close() }
        _ = try client.sentLog(records).update(id) { message, _, _ in body(&message) }
    }

    @Test func whatWasOnlyRecordedIsSentByTheNextCommand() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "onlyRecorded")
        let text = mail(&random, bytes: 60_000)
        _ = try await record(text, user: user)
        let list = try await user.run("sent")
        #expect(list.code == 0 && list.output.contains("smtp:alice@example.org"), "\(list)")
        let flush = try await user.run("queue", "flush")
        #expect(flush.code == 0, "\(flush)")
        let messages = try network.messages()
        #expect(messages.count == 1)
        #expect(messages.first.map { $0.body == text } ?? false)
        // The sealed file is gone, and nothing is sent again.
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(user.home)/outbox").isEmpty)
        let packets = network.taken.count
        _ = try await user.run("queue", "flush")
        #expect(network.taken.count == packets)
        await network.stop()
    }

    @Test func aCrashBetweenPacketsAndRecordDoublesPartsAndNoMessage() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "crashBetween")
        let text = mail(&random, bytes: 60_000)
        let message = try await record(text, user: user)
        let file = try #require(message.file)
        let kept = try Data(contentsOf: URL(fileURLWithPath: "\(user.home)/outbox/\(file.name.hex)"))
        // The packets are made and stored ...
        _ = try await user.run("queue", "list")
        // ... but the process dies before the record says so, and before the file is erased.
        try kept.write(to: URL(fileURLWithPath: "\(user.home)/outbox/\(file.name.hex)"))
        try change(user, message.id) {
            $0.stage = .recorded
            $0.file = file
            $0.packets = 0
            $0.waiting = []
        }
        try await network.start()
        let flush = try await user.run("queue", "flush")
        #expect(flush.code == 0, "\(flush)")
        let messages = try network.messages()
        #expect(messages.count == 1)
        #expect(messages.first.map { $0.body == text && $0.packets == 2 * $0.parts } ?? false)
        await network.stop()
    }

    @Test func aKilledSenderSendsOnce() async throws {
        var random = SeededRandom(name: "killedSender")
        let text = mail(&random, bytes: 500_000)
        for _ in 0..<4 {
            let network = try TestNetwork()
            try await network.start()
            let user = try User()
            try await user.join(network)
            let run = try user.start(["send", "--to", "alice@example.org"], input: text)
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...900, using: &random)))
            kill(run.pid, SIGKILL)
            _ = try await run.end()
            let list = try await user.run("sent", "--json")
            let isRecorded = list.output.contains("smtp:alice@example.org")
            _ = try await user.run("queue", "flush")
            // Recorded is sent, and not recorded is not: nothing in between.
            let ids = Set(try network.journeys().map(\.part.id))
            #expect(ids.count == (isRecorded ? 1 : 0))
            if isRecorded { #expect(try network.messages().first.map { $0.body == text } ?? false) }
            await network.stop()
        }
    }

    @Test func nMinusKPartsOfEveryGroupMayBeLost() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "nMinusK")
        // Two groups.
        let text = mail(&random, bytes: 1_700_000)
        let run = try await user.run(["send", "--to", "alice@example.org"], input: text)
        #expect(run.code == 0, "\(run)")
        var arrived: [Part] = []
        for parts in Dictionary(grouping: try network.journeys().map(\.part), by: \.group.number).values {
            let group = parts[0].group
            #expect(parts.count == group.totalShares)
            arrived += parts.shuffled(using: &random).prefix(group.dataShares)
        }
        let layout = arrived[0].layout
        #expect(layout.groups == 2)
        var assembler = MessageAssembler(layout: layout)
        var chunks: [[UInt8]] = []
        while let group = assembler.nextGroup {
            let shares = arrived.filter { $0.group == group }
            chunks.append(try assembler.data(from: shares.map { ErasureCode.Share(index: $0.index, bytes: $0.share) }))
        }
        chunks.reverse()
        var reader = MessageReader(length: layout.messageLength)
        _ = try reader.envelope { chunks.popLast() }
        var body: [UInt8] = []
        while let more = try reader.nextBodyChunk(from: { chunks.popLast() }) { body += more }
        let isWhole = body == text
        #expect(isWhole)
        await network.stop()
    }

    @Test func theFormOfAFileIsThatOfMemory() throws {
        var random = SeededRandom(name: "streamedEncoding")
        let recipients = [try Address("smtp:alice@example.org")]
        for size in [0, 1, 900, 25_000, 26_000, 70_000, 400_000] {
            for body in [random.bytes(size), [UInt8](repeating: 65, count: size), mail(&random, bytes: size)] {
                let envelope = try Envelope(recipients: recipients, bodyKind: .raw)
                let whole = try MessageEncoder.encode(envelope, body: body)
                var pieces: [UInt8] = []
                try MessageEncoder.write(envelope, body: body) { pieces += $0 }
                let isSame = pieces == whole
                #expect(isSame, "\(size)")
            }
        }
    }

    // MARK: Size

    @Test func aMailOf200MebibytesIsRefusedUnread() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        let path = try user.file("large", "")
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.truncate(atOffset: 200 << 20)
        let start = ContinuousClock.now
        let run = try await user.run("send", "--to", "alice@example.org", path)
        #expect(
            run
                == .failure(
                    4, "the message is too large: its body may have 8388608 bytes (8 MiB); send a smaller one"))
        #expect(ContinuousClock.now - start < .seconds(10))
        let sent = try await user.run("sent")
        #expect(sent == Transcript(output: "nothing was sent\n"))
    }

    @Test func aMailOf8MebibytesTakesLittleMemory() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "8MiB")
        // As an attachment of a mail is: base64 in lines, 8 MiB of them.
        let text = Array(mail(&random, bytes: (8 << 20) * 76 / 78 / 4 * 3).prefix((8 << 20) - 2)) + [13, 10]
        let run = try user.start(
            ["send", "--no-deliver", "--to", "alice@example.org", try user.file("mail", text)])
        var peak = 0
        while let status = try? String(contentsOfFile: "/proc/\(run.pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        {
            peak = max(peak, Int(line.split(separator: " ", omittingEmptySubsequences: true)[1]) ?? 0)
            try await Task.sleep(for: .milliseconds(2))
        }
        let end = try await run.end()
        #expect(end.code == 0, "\(end)")
        print("8 MiB: at most \(peak / 1024) MiB resident")
        #expect(peak > 1024)
        // A third of it is the program itself, built for debugging.
        #expect(peak < 80 << 10)
    }

    @Test func theBarShowsHowFarItIs() {
        #expect(
            ProgressLine.bar("making packets", 0, of: 4) == "making packets [>                       ] 0 % (0 of 4)")
        #expect(
            ProgressLine.bar("making packets", 2, of: 4) == "making packets [============>           ] 50 % (2 of 4)")
        #expect(
            ProgressLine.bar("making packets", 4, of: 4) == "making packets [========================] 100 % (4 of 4)")
        #expect(ProgressLine.bar("x", 9, of: 4).contains("100 %") && ProgressLine.bar("x", 0, of: 0).contains("100 %"))
    }
}
