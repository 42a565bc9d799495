import Foundation
import MMTP
import Messages
import MixCrypto
import NIOCore
import NIOPosix
import Spool
import Synchronization
import TestSupport
import WireFormat

@testable import NodeProgram

/// A mailbox as its owner holds it.
struct OwnBox {
    let key: SigningKey
    var id: MailboxID { key.verificationKey.mailboxID }

    init() throws { key = try SigningKey.generate() }

    func address(at node: String) -> String { "box:\(id.hex)@\(node)" }

    func request(_ operation: MailboxRequest.Operation, node: NodeID, at now: Timestamp) throws -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return try MailboxRequest.signed(operation, node: node, key: key, at: now, using: &generator)
    }
}

extension MailboxBlock {
    var refusal: MailboxRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
    var status: MailboxStatus? {
        switch self {
        case .empty(let status), .done(let status), .reply(_, _, let status), .fragment(_, _, let status): status
        case .refused: nil
        }
    }
    var blockID: UInt64? {
        switch self {
        case .reply(let id, _, _), .fragment(let id, _, _): id
        default: nil
        }
    }
    var record: ReplyRecord? {
        if case .reply(_, let record, _) = self { record } else { nil }
    }
}

/// A desk with a spool of its own and a clock that the test sets.
final class DeskFixture: Sendable {
    static let start = Timestamp(seconds: 1_790_000_000)
    let directory: TemporaryDirectory
    let spool: Spool
    let node: NodeID
    let desk: MailboxDesk
    private let shared: Shared

    private final class Shared: Sendable {
        let now = Mutex(DeskFixture.start)
        let counts = Mutex<[String: Int]>([:])
    }

    init(_ settings: MailboxSettings = MailboxSettings()) throws {
        directory = try TemporaryDirectory("nightjar-desk")
        var configuration = SpoolConfiguration()
        configuration.groupWaitMilliseconds = 0
        settings.apply(to: &configuration)
        (spool, _) = try Spool.open(
            directory: directory.file("spool"), storageKey: SymmetricSecret.random(), configuration: configuration,
            now: Self.start)
        node = try SigningKey.generate().verificationKey.nodeID
        let shared = Shared()
        self.shared = shared
        desk = MailboxDesk(
            node: node, spool: spool, settings: settings, clock: { shared.now.withLock { $0 } },
            count: { name, kind in shared.counts.withLock { $0["\(name) \(kind)", default: 0] += 1 } })
    }

    var now: Timestamp {
        get { shared.now.withLock { $0 } }
        set { shared.now.withLock { $0 = newValue } }
    }

    func count(_ name: String) -> Int { shared.counts.withLock { $0[name] ?? 0 } }

    /// The answer to a body.
    func ask(_ body: [UInt8]) async throws -> MailboxBlock {
        let (answer, block) = await withCheckedContinuation { continuation in
            desk.respond(to: .fetch, body: body) { continuation.resume(returning: ($0, $1)) }
        }
        guard answer == .received, block.count == MailboxBlock.size else { throw Refused() }
        return try MailboxBlock(decoding: block)
    }

    func ask(_ box: OwnBox, _ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
        try await ask(box.request(operation, node: node, at: now))
    }

    /// Puts an answer in, as the intake does.
    func put(_ record: ReplyRecord, into box: OwnBox, release: Timestamp? = nil) async throws -> SpoolResult? {
        var generator = SystemRandomNumberGenerator()
        return try await spool.perform([
            .acceptMail(
                tag: .random(using: &generator), period: KeyPeriod(1), mailbox: box.id,
                block: Mailboxes.block(record, release: release ?? now, now: now))
        ]).first
    }

    struct Refused: Error {}
}

/// Counts the bytes of each direction between a dialer and a node.
final class CountingProxy: Sendable {
    struct Bytes: Equatable {
        var toNode = 0
        var toDialer = 0
    }
    let address: LinkAddress
    private let server: any Channel
    private let shared: Shared

    private final class Shared: Sendable { let bytes = Mutex(Bytes()) }

    var bytes: Bytes { shared.bytes.withLock { $0 } }

    init(to target: LinkAddress) async throws {
        let shared = Shared()
        self.shared = shared
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop).channelOption(ChannelOptions.autoRead, value: false)
                    .connect(host: target.host, port: target.port)
                    .flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(
                            Forwarder(far) { count in shared.bytes.withLock { $0.toNode += count } })
                        try far.pipeline.syncOperations.addHandler(
                            Forwarder(near) { count in shared.bytes.withLock { $0.toDialer += count } })
                        return far
                    }
                    .flatMap { (far: any Channel) in
                        near.setOption(ChannelOptions.autoRead, value: true).flatMap {
                            far.setOption(ChannelOptions.autoRead, value: true)
                        }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = LinkAddress(host: "127.0.0.1", port: server.localAddress?.port ?? 0)
    }

    func stop() async throws { try await server.close().get() }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let peer: any Channel
        private let note: (Int) -> Void
        init(_ peer: any Channel, note: @escaping (Int) -> Void) {
            self.peer = peer
            self.note = note
        }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = Self.unwrapInboundIn(data)
            note(buffer.readableBytes)
            peer.writeAndFlush(buffer, promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
