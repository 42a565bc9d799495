import NIOCore
import NIOPosix
import Synchronization

/// A mail server that takes what it is given, on a real socket. Recipients whose address begins with `no` are refused for good,
/// with `later` for now.
final class SMTPSink: Sendable {
    struct Mail: Sendable {
        let sender: String
        let recipients: [String]
        let content: String
    }

    private let channel: any Channel
    private let state: State

    final class State: Sendable {
        let mails = Mutex<[Mail]>([])
        let refusesAll = Mutex(false)
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var mails: [Mail] { state.mails.withLock { $0 } }
    /// Whether `later` and `no` are over.
    func takesAll() { state.refusesAll.withLock { $0 = true } }

    init(port: Int = 0) async throws {
        let state = State()
        self.state = state
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(state))
                }
            }.bind(host: "127.0.0.1", port: port).get()
    }

    func close() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let state: State
        private var input: [UInt8] = []
        private var (sender, recipients, content): (String, [String], [UInt8]?) = ("", [], nil)

        init(_ state: State) { self.state = state }

        func channelActive(context: ChannelHandlerContext) { say("220 sink", context) }

        private func say(_ text: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input += unwrapInboundIn(data).readableBytesView
            while let end = input.firstIndex(of: 0x0A) {
                let line = Array(input[...end])
                input.removeFirst(end + 1)
                take(line, context)
            }
        }

        private func take(_ line: [UInt8], _ context: ChannelHandlerContext) {
            let text = String(decoding: line, as: UTF8.self)
            if content != nil {
                guard text == ".\r\n" else {
                    content?.append(contentsOf: line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...])
                    return
                }
                let mail = Mail(
                    sender: sender, recipients: recipients, content: String(decoding: content ?? [], as: UTF8.self))
                state.mails.withLock { $0.append(mail) }
                content = nil
                return say("250 2.0.0 taken", context)
            }
            let address = text.firstIndex(of: "<").map { start in
                String(text[text.index(after: start)...].prefix { $0 != ">" })
            }
            switch text.prefix(4).uppercased() {
            case "EHLO": say("250-sink\r\n250-8BITMIME\r\n250 SIZE 20000000", context)
            case "MAIL":
                (sender, recipients) = (address ?? "", [])
                say("250 2.1.0 ok", context)
            case "RCPT":
                let address = address ?? ""
                let takesAll = state.refusesAll.withLock { $0 }
                if address.hasPrefix("no"), !takesAll { return say("550 5.1.1 nobody", context) }
                if address.hasPrefix("later"), !takesAll { return say("450 4.2.1 later", context) }
                recipients.append(address)
                say("250 2.1.5 ok", context)
            case "DATA":
                guard !recipients.isEmpty else { return say("503 5.5.1 nobody", context) }
                content = []
                say("354 go", context)
            case "QUIT":
                say("221 bye", context)
                context.close(promise: nil)
            default: say("250 ok", context)
            }
        }
    }
}
