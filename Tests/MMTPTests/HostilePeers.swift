// Peers that do not play by the rules: raw sockets with or without TLS on either side, and a proxy that watches
// records and cuts connections.

import MixCrypto
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import WireFormat

@testable import MMTP

/// What a raw peer saw.
struct Seen: Sendable {
    var bytes: [UInt8] = []
    var isOpen = true
}

/// Collects bytes and notes the end.
final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let seen: Watched<Seen>
    init(_ seen: Watched<Seen>) { self.seen = seen }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(buffer: Self.unwrapInboundIn(data))
        seen.change { $0.bytes += bytes }
    }
    func channelInactive(context: ChannelHandlerContext) { seen.change { $0.isOpen = false } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// A dialer that sends what a test says, over TLS of the test's choice or none.
struct RawDialer: Sendable {
    let channel: any Channel
    let seen: Watched<Seen>

    static func tls(
        protocols: [String] = ["mmtp/1"], curves: [NIOTLSCurve]? = [.x25519_MLKEM768], maximum: TLSVersion? = nil
    ) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        configuration.curves = curves
        configuration.maximumTLSVersion = maximum
        return configuration
    }

    static func connect(port: Int, tls: TLSConfiguration?) async throws -> RawDialer {
        let seen = Watched(Seen())
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let channel = try await ClientBootstrap(group: loops)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(seen))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawDialer(channel: channel, seen: seen)
    }

    init(channel: any Channel, seen: Watched<Seen>) {
        self.channel = channel
        self.seen = seen
    }

    /// Sends; a peer that has closed is not an error here.
    func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }
    func close() async { try? await channel.close().get() }
    func waitForBytes(_ count: Int) async -> Bool { await seen.wait { $0.bytes.count >= count } }
    func waitForEnd(seconds: Int64 = 30) async -> Bool { await seen.wait(seconds: seconds) { !$0.isOpen } }
}

/// A listener with good certificates that answers each frame with whatever `reply` makes of its number and body; nil
/// is silence.
final class ScriptedListener: Sendable {
    let nodeID: NodeID
    let address: LinkAddress
    private let server: any Channel

    init(
        protocols: [String] = ["mmtp/1"], curves: [NIOTLSCurve]? = nil,
        reply: @escaping @Sendable (UInt32, [UInt8]) -> [UInt8]?
    ) async throws {
        let key = try SigningKey.generate()
        nodeID = key.verificationKey.nodeID
        let certificate = try LinkCertificate(signedBy: key, now: noon)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [
                .certificate(try NIOSSLCertificate(bytes: certificate.leaf, format: .der)),
                .certificate(try NIOSSLCertificate(bytes: certificate.identity, format: .der)),
            ],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: certificate.leafKey, format: .pem)))
        configuration.applicationProtocols = protocols
        configuration.curves = curves
        let context = try NIOSSLContext(configuration: configuration)
        server = try await ServerBootstrap(group: loops)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), Answerer(reply),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = LinkAddress(host: "127.0.0.1", port: server.localAddress?.port ?? 0)
    }

    func stop() async throws { try await server.close().get() }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var held: [UInt8] = []
        private var number: UInt32 = 0
        private let reply: (UInt32, [UInt8]) -> [UInt8]?
        init(_ reply: @escaping (UInt32, [UInt8]) -> [UInt8]?) { self.reply = reply }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            held += Array(buffer: Self.unwrapInboundIn(data))
            while held.count >= LinkFrame.size {
                let body = Array(held[LinkFrame.headerSize..<LinkFrame.size])
                held.removeFirst(LinkFrame.size)
                if let bytes = reply(number, body) {
                    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                }
                number += 1
            }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// Stands between dialer and listener: notes the TLS records of each direction, and cuts the connection after so many
/// bytes of one.
final class Proxy: Sendable {
    struct Records: Sendable {
        var toListener: [Int] = []
        var toDialer: [Int] = []
    }
    struct Cut: Sendable {
        var toListener = Int.max
        var toDialer = Int.max
    }
    let records = Watched(Records())
    let address: LinkAddress
    private let server: any Channel

    init(to port: Int, cut: Cut = Cut()) async throws {
        let records = self.records
        server = try await ServerBootstrap(group: loops)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelInitializer { near in
                let upstream = Forwarder(limit: cut.toListener) { record in
                    records.change { $0.toListener.append(record) }
                }
                return ClientBootstrap(group: near.eventLoop)
                    .channelOption(ChannelOptions.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { far in
                        let downstream = Forwarder(limit: cut.toDialer) { record in
                            records.change { $0.toDialer.append(record) }
                        }
                        upstream.value.peer = far
                        downstream.value.peer = near
                        try near.pipeline.syncOperations.addHandler(upstream.value)
                        try far.pipeline.syncOperations.addHandler(downstream.value)
                    }
                    .flatMap { near.setOption(ChannelOptions.autoRead, value: true) }
                    .flatMap { upstream.value.peer?.setOption(ChannelOptions.autoRead, value: true) ?? near.close() }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = LinkAddress(host: "127.0.0.1", port: server.localAddress?.port ?? 0)
    }

    func stop() async throws { try await server.close().get() }

    /// All on one event loop, which the compiler cannot see.
    private struct Forwarder: @unchecked Sendable {
        let value: Handler
        init(limit: Int, note: @escaping @Sendable (Int) -> Void) { value = Handler(limit: limit, note: note) }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var peer: (any Channel)?
        private var left: Int
        private var header: [UInt8] = []
        private var skip = 0
        private let note: @Sendable (Int) -> Void

        init(limit: Int, note: @escaping @Sendable (Int) -> Void) {
            left = limit
            self.note = note
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = Self.unwrapInboundIn(data)
            watch(buffer)
            let pass = min(left, buffer.readableBytes)
            left -= pass
            if let piece = buffer.readSlice(length: pass) { peer?.writeAndFlush(piece, promise: nil) }
            if left == 0 {
                peer?.close(promise: nil)
                context.close(promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { peer?.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        /// RFC 8446 section 5.1: type, version 2, length 2.
        private func watch(_ buffer: ByteBuffer) {
            var buffer = buffer
            while buffer.readableBytes > 0 {
                let passed = min(skip, buffer.readableBytes)
                buffer.moveReaderIndex(forwardBy: passed)
                skip -= passed
                guard skip == 0, let byte = buffer.readInteger(as: UInt8.self) else { return }
                header.append(byte)
                guard header.count == 5 else { continue }
                skip = Int(header[3]) << 8 | Int(header[4])
                note(header.count + skip)
                header = []
            }
        }
    }
}

/// A server without TLS that greets and then says nothing.
func startPlainServer(
    _ greet: @escaping @Sendable (ChannelHandlerContext) -> Void
) async throws -> (channel: any Channel, address: LinkAddress) {
    final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let greet: (ChannelHandlerContext) -> Void
        init(_ greet: @escaping (ChannelHandlerContext) -> Void) { self.greet = greet }
        func channelActive(context: ChannelHandlerContext) { greet(context) }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
    let server = try await ServerBootstrap(group: loops)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter(greet)) }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    return (server, LinkAddress(host: "127.0.0.1", port: server.localAddress?.port ?? 0))
}
