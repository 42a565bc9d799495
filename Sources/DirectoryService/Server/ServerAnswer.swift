// An answer of the server before it is sent: status, fields and body. Pure.

internal import Hummingbird
internal import NIOCore
internal import WireFormat

/// What is sent to a peer.
struct ServerAnswer {
    let status: Int
    var fields: HTTPFields
    /// Nothing for 304, which has none.
    let body: ByteBuffer
    /// The connection ends after it.
    var isLast = false
    /// The body is in memory anyway, once for all peers.
    var isShared = false

    static let text = "text/plain; charset=utf-8"

    /// One line of plain words.
    static func words(_ status: Int, _ words: String, retryAfter: Interval? = nil, isLast: Bool = false) -> ServerAnswer
    {
        var fields = HTTPFields()
        fields[.contentType] = text
        fields[.cacheControl] = "no-store"
        if let retryAfter {
            fields[.retryAfter] = String(max(1, (retryAfter + .milliseconds(999)).milliseconds / 1000))
        }
        return ServerAnswer(status: status, fields: fields, body: ByteBuffer(string: line(words)), isLast: isLast)
    }

    /// What an upload came to.
    static func verdict(_ verdict: UploadVerdict) -> ServerAnswer {
        switch verdict {
        case .stored: .words(200, "stored")
        case .known: .words(202, "known already")
        case .malformed(let reason): .words(400, reason)
        case .refused(let reason): .words(403, reason)
        case .conflict(let reason): .words(409, reason)
        case .busy(let time): .words(503, "busy; try again later", retryAfter: time)
        }
    }

    /// A document, for a peer that has the one that `condition` (the field If-None-Match) names.
    static func document(_ document: ServedDocument, gzip: ByteBuffer?, condition: String?) -> ServerAnswer {
        var fields = HTTPFields()
        fields[.eTag] = "W/\"\(document.tag)\""
        fields[.cacheControl] = document.lifetime.control
        fields[.vary] = "accept-encoding"
        if matches(condition, document.tag) { return ServerAnswer(status: 304, fields: fields, body: ByteBuffer()) }
        fields[.contentType] = document.kind.contentType
        if document.kind == .html || document.kind == .svg { fields[.contentSecurityPolicy] = policy }
        if gzip != nil { fields[.contentEncoding] = "gzip" }
        return ServerAnswer(status: 200, fields: fields, body: gzip ?? document.body)
    }

    /// Pages show what is in them and nothing else: no scripts, no frames, no forms, nothing of other hosts.
    static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    /// Whether one of the tags in `condition` is `tag`, compared weakly (RFC 9110 section 8.8.3.2).
    static func matches(_ condition: String?, _ tag: String) -> Bool {
        guard let condition else { return false }
        return condition.split(separator: ",").contains { item in
            var item = item.drop { $0 == " " }
            while item.last == " " { item = item.dropLast() }
            if item.hasPrefix("W/") { item = item.dropFirst(2) }
            return item == "*" || item == "\"\(tag)\""
        }
    }

    /// Whether the field Accept-Encoding allows gzip.
    static func allowsGzip(_ field: String?) -> Bool {
        guard let field else { return false }
        return field.lowercased().split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "gzip" || parts.first == "x-gzip" else { return false }
            return !parts.dropFirst().contains { $0.hasPrefix("q=0") && $0.allSatisfy { !("1"..."9").contains($0) } }
        }
    }

    /// One line, whatever the words are.
    private static func line(_ words: String) -> String {
        String(words.prefix(500).map { $0.isNewline ? " " : $0 }) + "\n"
    }

    /// All fields, as HTTP wants them.
    func head(at now: Timestamp) -> HTTPResponse {
        var head = HTTPResponse(status: .init(code: status), headerFields: fields)
        if status != 304 { head.headerFields[.contentLength] = String(body.readableBytes) }
        head.headerFields[.xContentTypeOptions] = "nosniff"
        head.headerFields[.date] = HTTPDate.text(now)
        if isLast { head.headerFields[.connection] = "close" }
        return head
    }
}

extension ServedDocument.Kind {
    var contentType: String {
        switch self {
        case .document: ServerAnswer.text
        case .html: "text/html; charset=utf-8"
        case .json: "application/json"
        case .svg: "image/svg+xml"
        case .png: "image/png"
        }
    }
}

extension ServedDocument.Lifetime {
    var control: String {
        switch self {
        case .forever: "public, max-age=31536000, immutable"
        case .brief: "public, max-age=60"
        case .none: "no-cache"
        }
    }
}
