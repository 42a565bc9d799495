import Daemon
import Directory
import DirectoryService
import Exits
import Foundation
import Logging
import MMTP
import MixCrypto
import NIOPosix
import NymProtocol
import Spool
import TestSupport
import WireFormat

@testable import NymserverProgram

/// A nymserver's parts in this process, with the real store, sockets and keys. Slots are spent when the test says so.
final class NymserverStage {
    static let domain = "nym.example"
    static let workBits = 4

    let network: MixNetwork
    let directory: TemporaryDirectory
    let parts: NymserverParts
    let packets: PacketSpool
    let requests: RequestDesk
    let cycles: CycleRounds
    let client: SMTPClient
    let sink: SMTPSink
    let door: MailDoor
    let lmtp: LMTPServer
    /// Moves as slots are spent.
    private(set) var now: Timestamp

    var server: KEMPublicKey { parts.keys.request.publicKey }

    init(
        _ network: MixNetwork, declines: @escaping @Sendable (String) -> Bool? = { _ in false },
        seen: (@Sendable () -> Network?)? = nil, change: (inout NymserverSettings) -> Void = { _ in }
    ) async throws {
        self.network = network
        directory = try TemporaryDirectory("nightjar-nymserver")
        sink = try await SMTPSink()
        var smtp = SMTPSettings(host: "127.0.0.1", port: sink.port, security: .none, helloName: "test")
        smtp.timeouts = SMTPTimeouts(everyStep: .seconds(5))
        var settings = NymserverSettings(
            domain: Self.domain, operatorAddress: try MailRecipient("you@example.org"), dataDirectory: directory.path,
            networkFile: directory.file("network"), smtp: smtp)
        settings.limits.workBits = Self.workBits
        change(&settings)
        try SecretFile.create(settings.files.key, .random(count: NymserverKeys.size))
        let keys = try settings.files.loadKeys()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let counters = EventCounters("nymserver")
        let file = network.file
        parts = NymserverParts(
            settings: settings, keys: keys, clock: .real, logger: logger, counters: counters,
            store: try NymStore.open(path: settings.files.database, key: keys.database), network: seen ?? { file },
            declines: declines, slots: CycleClock(secret: keys.cycle),
            room: DiskRoom(path: directory.path, reserve: 0),
            packetKeys: PacketKeyBook(path: settings.files.packetKeys))
        try FileManager.default.createDirectory(
            atPath: settings.files.spool, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let dialer = try MMTPDialer(
            configuration: DialerConfiguration(), group: MultiThreadedEventLoopGroup.singleton,
            clock: { ScaledClock.systemTime() })
        packets = try PacketSpool(
            settings.files.spool, key: keys.spool, clock: .real, dialer: dialer,
            addresses: { file.node($0)?.linkAddresses ?? [] }, logger: logger, counters: counters)
        requests = RequestDesk(parts: parts)
        cycles = CycleRounds(parts: parts, packets: packets)
        client = try SMTPClient(settings: smtp)
        let mailServer = MailServer(client: client, operatorAddress: settings.operatorAddress)
        door = MailDoor(parts: parts, requests: requests) { mailServer.forward($0) }
        lmtp = try await LMTPServer.bind(
            LMTPServerSettings(
                address: .loopback(host: "127.0.0.1", port: 0), name: "test",
                limits: LMTPLimits(mail: MailDoor.longestMail)), receiver: door)
        now = ScaledClock.systemTime()
    }

    func caller() throws -> LMTPCaller { try LMTPCaller(port: lmtp.port ?? 0) }

    func close() async {
        await lmtp.close()
        await client.close()
        await sink.close()
        await packets.shutdown()
        parts.store.close()
    }

    /// Makes a nym with a stock of blocks.
    func make(
        _ name: String, blocks: Int = 24, packets: NymClass = .low, using random: inout SeededRandom
    ) throws -> NymPerson {
        let person = try NymPerson(name, domain: Self.domain, using: &random)
        var commands = [person.creation(packets, bits: Self.workBits)]
        if blocks > 0 {
            commands.append(.surbs(try NymBatch(generation: 1, blocks: network.blocks(blocks, of: person.maker))))
        }
        try requests.take(person.request(commands, to: server), at: now)
        return person
    }

    /// Spends all slots of the coming time; the packets, in the order of their slots.
    func pass(_ time: Interval) throws -> [NewNymPacket] {
        var rows: [NewNymPacket] = []
        let end = now + time
        while let next = try parts.store.nextSlot(), next <= end {
            now = max(now, next)
            _ = try cycles.spendDue(at: now - .seconds(30))
            let waiting = try parts.store.packets(limit: 10_000)
            rows += waiting.map(\.packet)
            try parts.store.tookPackets(waiting.map(\.id))
        }
        now = end
        return rows
    }

    /// The same, given to a person who finds out which are his.
    @discardableResult
    func pass(_ time: Interval, to person: NymPerson) throws -> [NymPacket] {
        var own: [NymPacket] = []
        for packet in try pass(time) {
            guard let read = try? network.read(packet, person.maker) else { continue }
            person.take(read)
            own.append(read)
        }
        return own
    }
}
