// Host names to addresses. getaddrinfo cannot be called off, so it has threads of its own, few of them, and whoever asks
// waits for it only so long.

internal import Directory
internal import Dispatch
internal import Foundation
internal import Synchronization
internal import WireFormat

/// Looks host names up.
final class HostLookup: Sendable {
    enum Failure: Error {
        /// Too many names are being looked up.
        case busy
        case timeout
        /// The name servers could not tell.
        case noAnswer
    }

    private let limit: Int
    private let timeout: Duration
    private let queue = DispatchQueue(label: "nightjar.lookup", attributes: .concurrent)
    private let underWay = Mutex(0)

    /// - Parameters:
    ///   - limit: names being looked up at a time, those included that nobody waits for any more.
    ///   - timeout: real time.
    init(limit: Int, timeout: Duration) {
        self.limit = limit
        self.timeout = timeout
    }

    /// All addresses of `host`, with `port`; none if there is no such name.
    func addresses(of host: String, port: UInt16) async throws(Failure) -> [NodeAddress] {
        let mayStart = underWay.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard mayStart else { throw .busy }
        let result: Result<[NodeAddress], Failure> = await withCheckedContinuation { continuation in
            let once = OnceAnswered(continuation)
            queue.async { [self] in
                let found = Self.lookUp(host, port)
                underWay.withLock { $0 -= 1 }
                once.answer(found)
            }
            let milliseconds = Int(timeout.components.seconds * 1000)
            queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { once.answer(.failure(.timeout)) }
        }
        return try result.get()
    }

    private static func lookUp(_ host: String, _ port: UInt16) -> Result<[NodeAddress], Failure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { return Self.noSuchName.contains(code) ? .success([]) : .failure(.noAnswer) }
        defer { freeaddrinfo(list) }
        var found: [NodeAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < 32 {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            {
                let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                // An address with a zone is link-local, and not an address for others.
                if let address = NodeAddress(host: host, port: port) { found.append(address) }
            }
            next = entry.ai_next
        }
        return .success(found)
    }

    /// There is no such name, or it has no address (EAI_NODATA, which not every header has).
    private static let noSuchName: Set<Int32> = [EAI_NONAME, -5]
}

/// Answers the first time only.
private final class OnceAnswered: Sendable {
    typealias Answer = Result<[NodeAddress], HostLookup.Failure>
    private let waiting: Mutex<CheckedContinuation<Answer, Never>?>

    init(_ continuation: CheckedContinuation<Answer, Never>) { waiting = Mutex(continuation) }

    func answer(_ answer: Answer) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: answer)
    }
}
