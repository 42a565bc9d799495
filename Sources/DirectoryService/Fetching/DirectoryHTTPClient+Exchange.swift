// One exchange: the request, the answer as it streams in with its limits, and the words for what went wrong.

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
public import WireFormat

/// The answer to a posted document.
public struct PostAnswer: Hashable, Sendable {
    /// HTTP's status.
    public let status: Int
    /// The first line of what the server said, made safe to print.
    public let words: String
    /// When it wants to be asked again.
    public let retryAfter: Interval?
}

extension DirectoryHTTPClient {
    /// Fetches `url`: at most `limit` bytes, compressed or not. `known` is the digest of what the asker has.
    public func get(
        _ url: String, limit: Int, unless known: Digest? = nil
    ) async throws(FetchError) -> Answer {
        var request = try Self.request(url, .GET)
        request.headers.add(name: "accept-encoding", value: "gzip")
        if let known { request.headers.add(name: "if-none-match", value: "W/\"\(known.hex)\"") }
        return try await exchange(request, bytes: limit) { response throws(FetchError) in
            switch response.status.code {
            case 200: return .document(try await Self.body(of: response, limit: limit, all: true))
            case 304: return .unchanged
            case 404, 410: throw .notFound
            case 300..<400: throw .redirected(FetchError.safe((response.headers.first(name: "location") ?? "").utf8))
            default:
                let words = try await Self.body(of: response, limit: Self.longestWords, all: false)
                throw .status(Int(response.status.code), FetchError.safe(words))
            }
        }
    }

    /// Posts `document` to `url`. Any answer of the server is a result.
    public func post(_ document: [UInt8], to url: String) async throws(FetchError) -> PostAnswer {
        var request = try Self.request(url, .POST)
        request.headers.add(name: "content-type", value: "text/plain; charset=utf-8")
        request.body = .bytes(ByteBuffer(bytes: document))
        return try await exchange(request, bytes: document.count) { response throws(FetchError) in
            let words = try await Self.body(of: response, limit: Self.longestWords, all: false)
            let seconds = response.headers.first(name: "retry-after").flatMap { Int64($0) }
            return PostAnswer(
                status: Int(response.status.code), words: FetchError.safe(words),
                retryAfter: seconds.map { .seconds(max(0, $0)) })
        }
    }

    private static func request(_ url: String, _ method: HTTPMethod) throws(FetchError) -> HTTPClientRequest {
        _ = try DirectoryURL(url)  // Nothing else reaches the library.
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "user-agent", value: userAgent)
        return request
    }

    /// Runs the request, and `read` on its answer, in the time that `bytes` bytes may take.
    private func exchange<Result: Sendable>(
        _ request: HTTPClientRequest, bytes: Int,
        read: @escaping @Sendable (HTTPClientResponse) async throws(FetchError) -> Result
    ) async throws(FetchError) -> Result {
        let most = timeouts.exchange(of: bytes)
        do {
            return try await withThrowingTaskGroup(of: Result.self) { group in
                group.addTask {
                    let response = try await self.underneath().execute(request, timeout: TimeAmount(most))
                    return try await read(response)
                }
                group.addTask {
                    try await Task.sleep(for: most)
                    throw FetchError.timeout
                }
                defer { group.cancelAll() }
                guard let result = try await group.next() else { throw FetchError.closed }
                return result
            }
        } catch {
            throw words(for: error)
        }
    }

    /// The body, not compressed. If not `all` of it is wanted, it is cut at `limit` bytes, and not decompressed.
    private static func body(
        of response: HTTPClientResponse, limit: Int, all: Bool
    ) async throws(FetchError) -> [UInt8] {
        if all, let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit {
            throw .tooLarge(limit)
        }
        let encoding = all ? response.headers[canonicalForm: "content-encoding"].map { $0.lowercased() } : []
        guard encoding.isEmpty || encoding == ["gzip"] || encoding == ["identity"] else {
            throw .malformed("it is encoded in a way that nobody asked for")
        }
        let inflater = encoding == ["gzip"] ? try GzipInflater() : nil
        var body: [UInt8] = []
        var received = 0
        do {
            for try await buffer in response.body {
                received += buffer.readableBytes
                guard all else {
                    body += buffer.readableBytesView.prefix(limit - body.count)
                    if body.count == limit { return body }
                    continue
                }
                guard received <= limit else { throw FetchError.tooLarge(limit) }
                if let inflater {
                    try buffer.withUnsafeReadableBytes { try inflater.inflate($0, onto: &body, limit: limit) }
                } else {
                    body += buffer.readableBytesView
                }
            }
        } catch let error as FetchError {
            throw error
        } catch {
            if !all { return body }
            throw Self.ending(error)
        }
        guard inflater?.ended ?? true else { throw .malformed("its compressed body is cut off") }
        return body
    }
}
