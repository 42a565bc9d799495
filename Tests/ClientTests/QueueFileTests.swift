// Packets that leave by another machine: `nightjar queue out` and `queue in`, and how old packets in the queue are told.

import Directory
import Foundation
import MixCrypto
import Mixing
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct QueueFileTests {
    private func packets(_ count: Int, to node: NodeID = .random(), now: Timestamp = .now) -> [OutgoingPacket] {
        (0..<count).map { index in
            var body = [UInt8](repeating: UInt8(index), count: 32_768)
            body[0] = 1
            return OutgoingPacket(body: body, first: node, made: now, deadline: now + .hours(1))
        }
    }

    @Test func aFileIsReadAsItWasWritten() throws {
        let now = Timestamp.now
        let made = packets(3, now: now)
        let bytes = PacketFile(network: "testing", packets: made).encoded
        let read = try PacketFile(decoding: bytes)
        #expect(read.network == "testing")
        #expect(read.packets.map(\.body) == made.map(\.body))
        #expect(read.packets.map(\.first) == made.map(\.first))
        #expect(read.packets.map(\.deadline) == made.map(\.deadline))
        #expect(try PacketFile(decoding: PacketFile(network: "n", packets: []).encoded).packets.isEmpty)
    }

    @Test func anyChangeIsNoticed() throws {
        let bytes = PacketFile(network: "testing", packets: packets(1)).encoded
        var generator = SeededRandom(name: "changed files of packets")
        for _ in 0..<50 {
            var changed = bytes
            let index = Int.random(in: changed.indices, using: &generator)
            changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(throws: PacketFileError.self) { try PacketFile(decoding: changed) }
        }
        for count in [0, 1, 5, 7, 8, 20, 48, bytes.count - 1] {
            #expect(throws: PacketFileError.self) { try PacketFile(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: PacketFileError.self) { try PacketFile(decoding: bytes + [0]) }
        for _ in 0..<200 {
            let noise = Array("NJPKTS\u{1}".utf8) + generator.bytes(Int.random(in: 0..<300, using: &generator))
            #expect(throws: PacketFileError.self) { try PacketFile(decoding: noise) }
        }
    }

    @Test func whatComesFromElsewhereIsBounded() throws {
        let now = Timestamp.now
        let node = NodeID.random()
        var mixed = packets(1, to: node, now: now)
        mixed.append(OutgoingPacket(body: mixed[0].body, first: .random(), made: now, deadline: now + .hours(1)))
        mixed.append(OutgoingPacket(body: mixed[0].body, first: node, made: now, deadline: now))
        mixed.append(
            OutgoingPacket(body: mixed[0].body, first: node, made: now + .days(9), deadline: now + .days(900)))
        let sorted = PacketFile(network: "testing", packets: mixed).sort(now: now, longest: .hours(48)) { $0 == node }
        #expect(sorted.good.count == 2 && sorted.late == 1 && sorted.foreign == 1)
        #expect(sorted.good.map(\.made) == [now, now])
        #expect(sorted.good[1].deadline == now + .hours(48))
    }

    @Test("a mail made on one machine is handed over by another")
    func twoMachines() async throws {
        let (writer, courier, network) = (try User(), try User(), try TestNetwork())
        try await writer.join(network)
        try await courier.join(network)
        #expect(try await writer.run("send", "--to", "a@example.org", "--no-deliver", input: "By hand\n").code == 0)
        let file = writer.directory.file("packets")
        let out = try await writer.run("queue", "out", file)
        #expect(out == Transcript(messages: "1 packet written to DIR/packets\n"))
        #expect(try await writer.run("queue", "list").output == "no packets wait\n")
        #expect(
            try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let again = try await writer.run("queue", "out", file, "--json")
        #expect(again.code == 0 && again.output.contains("\"packets\" : 0"))
        try await network.start()
        let taken = try await courier.run("queue", "in", file)
        #expect(taken == Transcript(messages: "1 packet queued; run: nightjar queue flush\n"))
        #expect(try await courier.run("queue", "flush").code == 0)
        #expect(try network.messages().map { String(decoding: $0.body, as: UTF8.self) } == ["By hand\r\n"])
        await network.stop()
    }

    @Test func aDirectoryTakesFilesOfItsOwnNames() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        #expect(
            try await user.run("send", "--to", "a@example.org", "--copies", "3", "--no-deliver", input: "x\n").code == 0
        )
        let folder = user.directory.file("stick")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(try await user.run("queue", "out", folder, "--keep").code == 0)
        #expect(try await user.run("queue", "out", folder).code == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(files.count == 2 && files.allSatisfy { $0.hasSuffix(".packets") })
        let read = try PacketFile(decoding: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(files[0])"))))
        #expect(read.packets.count == 3)
    }

    @Test func badFilesSayWhatIsWrong() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        let noise = try user.file("noise", "not packets")
        #expect(try await user.run("queue", "in", noise) == .failure(1, "DIR/noise is not a whole file of packets"))
        var bytes = PacketFile(network: "testing", packets: packets(1)).encoded
        bytes[200] ^= 1
        #expect(
            try await user.run("queue", "in", try user.file("damaged", bytes))
                == .failure(1, "DIR/damaged is damaged; copy it again"))
        let elsewhere = try user.file("elsewhere", PacketFile(network: "other", packets: packets(1)).encoded)
        #expect(
            try await user.run("queue", "in", elsewhere)
                == .failure(2, "no network called other is installed; see `nightjar network list`"))
        let foreign = try user.file("foreign", PacketFile(network: "testing", packets: packets(2)).encoded)
        #expect(
            try await user.run("queue", "in", foreign)
                == .failure(
                    4,
                    "2 packets are for nodes that the network file does not list; get a newer one\n"
                        + "none of the packets can be handed over"))
        #expect(
            try await user.run("queue", "in", user.directory.file("nowhere")).messages.hasPrefix(
                "cannot read DIR/nowhere"))
        #expect(try await user.run("send", "--to", "a@example.org", "--no-deliver", input: "x\n").code == 0)
        #expect(
            try await user.run("queue", "out", noise)
                == .failure(2, "DIR/noise is there already; name a new file or a directory"))
    }

    // MARK: Age

    @Test func oldPacketsAreToldOrGivenUp() throws {
        let now = Timestamp(seconds: 1_000_000)
        let waiting = [1, 13, 30].map { hours in
            WaitingPacket(
                id: PacketRowID(Int64(hours)), destination: .random(), release: now - .hours(hours),
                deadline: now + .hours(9))
        }
        let warned = QueueAge(waiting, warnAfter: .hours(12), deleteAfter: .zero, now: now)
        #expect(warned.givenUp.isEmpty)
        #expect(
            warned.lines == [
                "2 packets have waited for 12h or longer, the oldest since \(now - .hours(30)); see `nightjar queue list`, "
                    + "or try now: nightjar queue flush"
            ])
        let both = QueueAge(waiting, warnAfter: .hours(12), deleteAfter: .hours(24), now: now)
        #expect(both.givenUp.map(\.id) == [waiting[2].id])
        #expect(both.lines.count == 2)
        #expect(both.lines[0].hasPrefix("1 packet had waited for 1d (delete-after in client.toml) and"))
        #expect(QueueAge(waiting, warnAfter: .zero, deleteAfter: .zero, now: now).lines.isEmpty)
    }

    @Test func deleteAfterTakesEffectWhenTheQueueIsOpened() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        #expect(try await user.run("send", "--to", "a@example.org", "--no-deliver", input: "x\n").code == 0)
        try user.configure("delete-after = \"1ms\"\n")
        let list = try await user.run("queue", "list")
        #expect(list.output == "no packets wait\n")
        #expect(list.messages.hasPrefix("1 packet had waited for 1ms (delete-after in client.toml)"))
        try user.configure("")
        #expect(try await user.run("queue", "list").output == "no packets wait\n")
    }
}
