// A capture between a dialer and a node: a TCP proxy that notes the length of every TLS record.

import Foundation
import NIOCore
import NIOPosix
import Synchronization

final class Wiretap: Sendable {
    /// Lengths of one connection's records with their headers, RFC 8446 section 5.1, in the order in which they passed.
    struct Records: Sendable {
        var fromDialer: [Int] = []
        var toDialer: [Int] = []
    }

    private final class Notes: Sendable {
        private let held = Mutex<[Records]>([])
        var value: [Records] { held.withLock { $0 } }
        /// A new connection's number.
        func begin() -> Int {
            held.withLock { held in
                held.append(Records())
                return held.count - 1
            }
        }
        func add(_ length: Int, to connection: Int, fromDialer: Bool) {
            held.withLock {
                if fromDialer { $0[connection].fromDialer.append(length) } else { $0[connection].toDialer.append(length) }
            }
        }
    }

    private let notes = Notes()
    private let server: any Channel
    let port: Int

    init(to port: Int) async throws {
        let notes = self.notes
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelInitializer { near in
                let number = notes.begin()
                return ClientBootstrap(group: near.eventLoop).channelOption(ChannelOptions.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(Passage(far) { notes.add($0, to: number, fromDialer: true) })
                        try far.pipeline.syncOperations.addHandler(Passage(near) { notes.add($0, to: number, fromDialer: false) })
                        return far
                    }
                    .flatMap { far in
                        near.setOption(ChannelOptions.autoRead, value: true).and(far.setOption(ChannelOptions.autoRead, value: true)).map { _ in }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = server.localAddress?.port ?? 0
    }

    /// Of each connection.
    var connections: [Records] { notes.value }

    func stop() async throws { try await server.close().get() }

    private final class Passage: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let peer: any Channel
        private let note: (Int) -> Void
        private var header: [UInt8] = []
        private var skip = 0

        init(_ peer: any Channel, note: @escaping (Int) -> Void) {
            self.peer = peer
            self.note = note
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = Self.unwrapInboundIn(data)
            watch(buffer)
            peer.writeAndFlush(buffer, promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

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
