// A client with a nym, a network that is only a list of nodes, and a server: what one writes to the other goes through
// the hands of the test.

import Daemon
import Directory
import Messages
import MixCrypto
import NymProtocol
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

/// A device of a nym's owner.
final class NymBench {
    static let address = "alice@nym.example"

    let user: User
    let client: Client
    let network: Network
    let keyring: Keyring
    private(set) var records: RecordStore
    var server: TestNymserver
    var now = Timestamp(seconds: ScaledClock.systemTime().seconds)

    var book: NymBook { NymBook(records) }
    var requests: NymRequests { NymRequests(client: client, network: network, records: records, keyring: keyring) }
    var turn: NymTurn { NymTurn(requests: requests) }

    init(network other: Network? = nil, server given: TestNymserver? = nil) throws {
        let server = try given ?? TestNymserver()
        self.server = server
        user = try User()
        client = try Client(home: user.home, environment: [:], isQuiet: true)
        network =
            try other
            ?? TestNetwork { plan in
                plan.change = { fields in
                    fields.capabilities.append(Capability(Capability.Name.mailbox))
                    if fields.nickname.text == "echo" {
                        fields.nymDomains = [NymDomain(domain: "nym.example", key: server.key.publicKey)]
                            .compactMap(\.self)
                    }
                }
            }.file
        keyring = try Keyring.open(client, passphrase: .none)
        records = try client.records()
    }

    /// Another process has the files from here on.
    func restart() throws {
        records.close()
        records = try client.records()
        try keyring.refresh()
    }

    func state(_ address: String = NymBench.address) throws -> NymState { try #require(try book.state(address)) }

    /// Makes the nym and asks for it.
    @discardableResult
    func create(bits: Int = 4) async throws -> OwnNym {
        var generator = SystemRandomNumberGenerator()
        let node = try #require(network.node(named: "delta"))
        let name = NymIdentity.name(address: Self.address, network: network.name)
        let box = try OwnMailbox.new(
            name: name, network: network.name, node: node.id, nodeName: "delta", at: now, using: &generator)
        try keyring.add(box)
        let nym = OwnNym(
            address: Self.address, network: network.name, created: now,
            server: try NymRequests.serverKey("nym.example", in: network), mailbox: box.id, keys: try .random())
        try keyring.add(nym)
        try book.begin(nym.address, NymState(device: generator.next(), packets: .low, created: now))
        let work = await ProofOfWork.search(
            try #require(NymAddress(Self.address)), key: try nym.keys.signing().verificationKey, bits: bits)
        try requests.create(nym, work: work, at: now)
        return nym
    }

    /// Makes the nym, and its server has said that it is there.
    @discardableResult
    func active() async throws -> OwnNym {
        let nym = try await create()
        _ = turn.take(at: now, refilling: [])
        try transmit()
        try await take(try #require(try server.slot(at: now)))
        return nym
    }

    var nym: OwnNym { get throws { try keyring.nym(Self.address) } }

    /// Takes the messages that were written down, as text for the server or for a mailbox.
    func posted() throws -> [(recipient: String, body: [UInt8])] {
        let log = client.sentLog(records)
        let outbox = try Outbox(client.places)
        return try log.messages().filter { $0.stage == .recorded }.map { message in
            let file = try #require(message.file)
            let folder = try SealedFolder(client.places.outbox)
            var reader = try folder.open(file)
            var reading = MessageReader(length: file.length)
            _ = try reading.envelope(from: { try reader.next() })
            var body: [UInt8] = []
            while let piece = try reading.nextBodyChunk(from: { try reader.next() }) { body += piece }
            _ = try log.forget([message.id])
            outbox.remove(file)
            return (message.recipients[0], body)
        }
    }

    /// Gives the server what was posted, but for what is lost.
    func transmit(losing isLost: () -> Bool = { false }) throws {
        for (recipient, body) in try posted() where !isLost() {
            #expect(recipient == "nym:server@nym.example")
            // Signed by keys that the server has no more, say.
            do { try server.receive(body, at: now) } catch is NymError {}
        }
    }

    /// What a packet becomes: through the inbox, as from a mailbox.
    @discardableResult
    func take(_ packet: NymPacket) async throws -> NymIntakeReport {
        try await withInbox { inbox in
            var generator = SystemRandomNumberGenerator()
            let encoded = try AnswerBench.encoded(packet.encoded, kind: .nym)
            let outcome = try inbox.finish(
                .random(using: &generator), .identity(try nym.identity), surb: nil, keys: keyring
            ) { (file) throws in try file.append(encoded) }
            guard case .message = outcome else { throw User.Failure(text: "\(outcome)") }
        }
    }

    /// What another device has left.
    @discardableResult
    func take(linkMessage body: [UInt8], mailbox: String) async throws -> NymIntakeReport {
        try await withInbox { inbox in
            var generator = SystemRandomNumberGenerator()
            let encoded = try AnswerBench.encoded(body, kind: .raw)
            _ = try inbox.finish(.random(using: &generator), .mailbox(mailbox), surb: nil, keys: keyring) {
                (file) throws in try file.append(encoded)
            }
        }
    }

    private func withInbox(_ body: (Inbox) throws -> Void) async throws -> NymIntakeReport {
        let inbox = try await client.openInbox(records)
        defer { inbox.close() }
        try body(inbox)
        return try NymIntake(store: inbox.store, keyring: keyring, places: client.places, now: now).run()
    }

    /// Mails that came for the nym, by their bodies.
    func mails() throws -> [String] {
        let store = client.received(records)
        return try store.all().filter { $0.record.origin == .nym(Self.address) }.map {
            String(decoding: try store.message($0.name, $0.record).body(), as: UTF8.self)
        }
    }

    static func mail(_ subject: String, _ size: Int = 200, _ generator: inout SeededRandom) -> [UInt8] {
        Array("From: bob@example.org\r\nSubject: \(subject)\r\n\r\n".utf8) + AnswerBench.letter(size, &generator)
    }
}
