// One exchange with a monitor: a request in, a page out, closed.

internal import NIOCore
internal import NIOHTTP1
internal import Synchronization
internal import WireFormat

/// The pages, with the counts as they were at the last renewal.
final class MetricsPages: Sendable {
    private let counters: Counters
    private let health: Health
    private let resolution: Interval
    private let now: @Sendable () -> Timestamp
    private let kept = Mutex<(at: Timestamp, text: String)?>(nil)

    init(counters: Counters, health: Health, resolution: Interval, now: @escaping @Sendable () -> Timestamp) {
        self.counters = counters
        self.health = health
        self.resolution = resolution
        self.now = now
    }

    struct Page {
        var status: HTTPResponseStatus
        var type = "text/plain; charset=utf-8"
        var text: String
    }

    func page(_ method: HTTPMethod, _ uri: String) -> Page {
        guard method == .GET || method == .HEAD else {
            return Page(status: .methodNotAllowed, text: "only GET is served here\n")
        }
        switch uri.prefix(while: { $0 != "?" }) {
        case "/metrics":
            return Page(status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", text: metrics())
        case "/health":
            let text = health.text
            return Page(status: health.current.isEmpty ? .ok : .serviceUnavailable, text: text)
        default: return Page(status: .notFound, text: "there are /metrics and /health here\n")
        }
    }

    private func metrics() -> String {
        let time = now()
        return kept.withLock { kept in
            // A clock that was set back does not freeze the page.
            if let page = kept, time >= page.at, time - page.at < resolution { return page.text }
            let text = counters.exposition()
            kept = (time, text)
            return text
        }
    }
}

final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: MetricsPages
    private let longest: TimeAmount
    private var deadline: Scheduled<Void>?
    private var isAnswered = false

    init(pages: MetricsPages, longest: TimeAmount) {
        self.pages = pages
        self.longest = longest
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: longest) {
            channel.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A body is of no interest: the answer goes out at once and the connection is closed.
        guard case .head(let request) = unwrapInboundIn(data), !isAnswered else { return }
        answer(context, pages.page(request.method, request.uri), withBody: request.method != .HEAD)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Not HTTP, or over a limit.
        guard !isAnswered, error is HTTPParserError else { return context.close(promise: nil) }
        answer(context, MetricsPages.Page(status: .badRequest, text: "not a request\n"), withBody: true)
    }

    private func answer(_ context: ChannelHandlerContext, _ page: MetricsPages.Page, withBody: Bool) {
        isAnswered = true
        let body = context.channel.allocator.buffer(string: page.text)
        var head = HTTPResponseHead(version: .http1_1, status: page.status)
        head.headers.add(name: "content-type", value: page.type)
        head.headers.add(name: "content-length", value: "\(body.readableBytes)")
        head.headers.add(name: "cache-control", value: "no-store")
        head.headers.add(name: "connection", value: "close")
        if page.status == .methodNotAllowed { head.headers.add(name: "allow", value: "GET, HEAD") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if withBody { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}
