// Handing packets to real listeners: taken, refused, not reached, silent.

import Daemon
import Directory
import Glibc
import MMTP
import Measurement
import MixCrypto
import NIOPosix
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// A node that answers as it is told to.
private final class Entry: PacketReceiver {
    let key: SigningKey
    private let answer: Mutex<Answer?>
    private let bodies = Mutex<[[UInt8]]>([])
    private let held = Mutex<[InboundPacket]>([])
    private let listener = Mutex<MMTPListener?>(nil)
    private let address = Mutex<LinkAddress>(LinkAddress(host: "127.0.0.1", port: 0))

    init(_ answer: Answer?) throws {
        key = try .generate()
        self.answer = Mutex(answer)
    }

    var taken: Int { bodies.withLock { $0.count } }

    func receive(_ packets: [InboundPacket]) {
        guard let answer = answer.withLock({ $0 }) else { return held.withLock { $0 += packets } }
        var batch = AnswerBatch()
        for var packet in packets {
            let body = packet.takeBody()
            bodies.withLock { $0.append(body) }
            batch.add(packet, answer)
        }
        batch.send()
    }

    /// Listens on a free port; its descriptor.
    func start() async throws -> Descriptor {
        let port = try Self.freePort()
        let made = try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: Int(port))],
            identity: LinkIdentity(key, now: ScaledClock.systemTime()), receiver: self, responder: nil,
            configuration: ListenerConfiguration(), group: MultiThreadedEventLoopGroup.singleton,
            clock: { ScaledClock.systemTime() }, count: { _, _ in })
        listener.withLock { $0 = made }
        return try descriptor(port: port)
    }

    func stop() async {
        let current = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        await current?.shutdown(grace: .milliseconds(10))
    }

    func descriptor(port: UInt16) throws -> Descriptor {
        let published = Timestamp(seconds: ScaledClock.systemTime().seconds)
        return try Descriptor.make(
            DescriptorFields(
                network: "testing", nickname: try #require(Nickname("entry")),
                addresses: [try #require(NodeAddress(host: "127.0.0.1", port: port))], published: published,
                validUntil: published + .days(1),
                keys: [KeyPeriod(1): try KEMPrivateKey(seed: .random(count: KEM.seedSize)).publicKey],
                capabilities: [Capability(Capability.Name.relay)], software: "test"), identity: key)
    }

    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                try #require(bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }
}

@Suite("Handing packets to entries", .timeLimit(.minutes(2)))
struct EntryLinksTests {
    private final class Contacts: Sendable {
        let all = Mutex<[Bool]>([])
    }
    private let contacts = Contacts()

    private func links(patience: Duration = .seconds(30), answer: Interval = .seconds(30)) throws -> EntryLinks {
        var configuration = DialerConfiguration()
        configuration.connectTimeout = .seconds(5)
        configuration.handshakeTimeout = .seconds(5)
        configuration.answerTimeout = answer
        let contacts = contacts
        return EntryLinks(
            dialer: try MMTPDialer(
                configuration: configuration, group: MultiThreadedEventLoopGroup.singleton,
                clock: { ScaledClock.systemTime() }), patience: patience
        ) { _, worked in contacts.all.withLock { $0.append(worked) } }
    }

    private let packet = [UInt8](repeating: 7, count: 32_768)

    @Test("one that takes packets, over one connection, and over a new one when that has ended")
    func taken() async throws {
        let entry = try Entry(.received)
        let node = try await entry.start()
        let links = try links()
        for _ in 0..<5 { #expect(await links.send(packet, to: node) == .taken) }
        #expect(entry.taken == 5 && contacts.all.withLock { $0.allSatisfy { $0 } })
        await links.close()
        await entry.stop()
        #expect(contacts.all.withLock { $0.contains(true) })
    }

    @Test("one that refuses was reached all the same")
    func refused() async throws {
        let entry = try Entry(.rejected(.busy))
        let node = try await entry.start()
        let links = try links()
        #expect(await links.send(packet, to: node) == .refused(.busy))
        #expect(contacts.all.withLock { $0.allSatisfy { $0 } })
        await links.close()
        await entry.stop()
    }

    @Test("one that is not there was not, and the packet was certainly not taken")
    func unreachable() async throws {
        let node = try Entry(.received).descriptor(port: Entry.freePort())
        let links = try links()
        guard case .unreachable = await links.send(packet, to: node) else {
            Issue.record("it was reached")
            return
        }
        #expect(contacts.all.withLock { $0 } == [false])
        await links.close()
    }

    @Test("who stops while it connects has not been refused")
    func cancelled() async throws {
        // It accepts connections and says nothing.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                try #require(bind(listener, raw, length) == 0 && getsockname(listener, raw, &length) == 0)
            }
        }
        try #require(listen(listener, 4) == 0)
        let node = try Entry(.received).descriptor(port: UInt16(bigEndian: address.sin_port))
        let links = try links()
        let task = Task { await links.send(packet, to: node) }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        #expect(await task.value == .unreachable(.silence))
        #expect(contacts.all.withLock { $0 } == [])
        await links.close()
    }

    @Test("of one that does not answer nobody knows whether it has the packet; stopping does not wait for it")
    func silent() async throws {
        let entry = try Entry(nil)
        let node = try await entry.start()
        let links = try links(answer: .seconds(1))
        #expect(await links.send(packet, to: node) == .unclear)
        async let pending = links.send(packet, to: node)
        await links.close()
        let last = await pending
        #expect(last == .unclear || last == .unreachable(.silence))
        await entry.stop()
    }
}
