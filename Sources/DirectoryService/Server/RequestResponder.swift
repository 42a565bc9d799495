// Answers single requests. Nothing about who asked for what is kept or logged.

internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import WireFormat

/// The answering part of a server, shared by all of its connections.
struct RequestResponder: Sendable {
    /// A request on a connection that is being closed.
    struct Parting: Error {}

    let backend: any DirectoryBackend
    let limits: DirectoryServerLimits
    let door: ServerDoor
    let compressed: CompressedDocuments
    let now: @Sendable () -> Timestamp

    /// Answers one request; throws if the connection is to be closed at once.
    @concurrent func respond(to request: Request, _ writer: consuming ResponseWriter, _ watch: ConnectionWatch)
        async throws
    {
        guard !watch.isParting else { throw Parting() }
        let answer: ServerAnswer
        if !door.takeRequest(watch.seat) {
            answer = .words(
                429, "too many requests from your network; try again later", retryAfter: .seconds(10), isLast: true)
        } else if request.method == .get || request.method == .head {
            answer = try await get(request, watch)
        } else if request.method == .post {
            answer = try await post(request, writer, watch)
        } else {
            answer = .words(405, "only GET, HEAD and POST are served here", isLast: true)
        }
        try await send(answer, withoutBody: request.method == .head, writer, watch)
    }

    private func get(_ request: Request, _ watch: ConnectionWatch) async throws -> ServerAnswer {
        guard let route = DirectoryRoute(path: request.head.path ?? "") else {
            return .words(404, "there is no such thing here")
        }
        guard door.begin(.answers) else { return Self.busy(isLast: false) }
        defer { door.finish(.answers) }
        watch.work()
        let document: ServedDocument?
        do {
            document = try await backend.served(route)
        } catch {
            return .words(500, "this failed; the operator's log may say why")
        }
        guard let document else { return .words(404, "there is no such thing here") }
        let allowsGzip = ServerAnswer.allowsGzip(request.headers[.acceptEncoding])
        var answer = ServerAnswer.document(
            document, gzip: allowsGzip ? await compressed.stream(of: document) : nil,
            condition: request.headers[.ifNoneMatch])
        answer.isShared = route.isKept
        return answer
    }

    /// Reads the body of a request and hands it on. Whatever can be refused is refused before that.
    @concurrent private func post(
        _ request: Request, _ writer: borrowing ResponseWriter, _ watch: ConnectionWatch
    ) async throws -> ServerAnswer {
        guard let kind = DirectoryUpload(path: request.head.path ?? "") else {
            return .words(404, "nothing is taken here", isLast: true)
        }
        guard request.headers[.contentEncoding] ?? "identity" == "identity" else {
            return .words(415, "documents are taken only as they are, not compressed", isLast: true)
        }
        if let text = request.headers[.contentLength] {
            guard let length = Int(text), length >= 0 else {
                return .words(400, "the length is not a number", isLast: true)
            }
            guard length <= kind.mostBytes else { return Self.tooLarge(kind) }
        }
        guard let hold = door.hold(kind.doorKind, watch.seat, cut: watch.cut) else { return Self.busy(isLast: true) }
        defer { door.release(hold) }
        watch.receive()
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        var body: [UInt8] = []
        for try await buffer in request.body {
            let count = buffer.readableBytes
            guard body.count + count <= kind.mostBytes else { return Self.tooLarge(kind) }
            // No memory for what is only announced.
            guard door.add(count, to: hold) else { return Self.busy(isLast: true) }
            watch.received(count)
            body += buffer.readableBytesView
        }
        door.charge(watch.seat, bytes: body.count)
        guard door.begin(kind.doorKind) else { return Self.busy(isLast: false) }
        defer { door.finish(kind.doorKind) }
        watch.work()
        return .verdict(await backend.receive(body, as: kind))
    }

    @concurrent private func send(
        _ answer: ServerAnswer, withoutBody: Bool, _ writer: consuming ResponseWriter, _ watch: ConnectionWatch
    ) async throws {
        var answer = answer
        var hold: ServerDoor.Hold?
        defer { if let hold { door.release(hold) } }
        if !withoutBody, !answer.isShared, answer.body.readableBytes > DirectoryServerLimits.piece {
            hold = door.hold(.answers, watch.seat, cut: watch.cut)
            if let hold, !door.add(answer.body.readableBytes, to: hold) { answer = Self.busy(isLast: false) }
        }
        let head = answer.head(at: now())
        if withoutBody || answer.body.readableBytes == 0 {
            watch.answer(sending: 0)
            try await writer.writeResponse(head)
        } else {
            watch.answer(sending: answer.body.readableBytes)
            door.charge(watch.seat, bytes: answer.body.readableBytes)
            var body = answer.body
            if body.readableBytes <= DirectoryServerLimits.piece {
                try await writer.write(response: head, body: ResponseBody(byteBuffer: body))
            } else {
                var pieces = try await writer.writeHead(head)
                // Pieces of what is shared share its memory. Others are copies, so that one piece that the peer does not take
                // does not keep all of the document, which is not counted any more, in memory.
                while let piece = body.readSlice(length: min(DirectoryServerLimits.piece, body.readableBytes)),
                    piece.readableBytes > 0
                {
                    try await pieces.write(answer.isShared ? piece : ByteBuffer(bytes: piece.readableBytesView))
                    watch.advance()
                }
                try await pieces.finish(nil)
            }
        }
        watch.finish(last: answer.isLast)
    }

    private static func tooLarge(_ kind: DirectoryUpload) -> ServerAnswer {
        .words(413, "too large: at most \(kind.mostBytes) bytes are taken here", isLast: true)
    }

    private static func busy(isLast: Bool) -> ServerAnswer {
        .words(503, "too much is going on; try again later", retryAfter: .seconds(5), isLast: isLast)
    }
}

extension DirectoryRoute {
    /// Whether backends keep it in memory for all who ask: it is one document that changes now and then.
    fileprivate var isKept: Bool { self == .consensus || self == .descriptors || self == .network }
}
