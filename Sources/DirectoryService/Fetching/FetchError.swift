// Why something could not be fetched or posted, in words for the person who asked.

/// A failed exchange with a server of the directory.
public enum FetchError: Error, Hashable, Sendable {
    /// The address is not one that can be asked: what is wrong with it.
    case badURL(String)
    /// The proxy's address makes no sense: what is wrong with it.
    case badProxy(String)
    /// No connection came about.
    case unreachable(String)
    /// The proxy did not connect us.
    case proxy(String)
    /// No TLS connection came about: a certificate that this system does not trust, for one.
    case insecure(String)
    /// It took too long.
    case timeout
    /// The connection ended before the answer did.
    case closed
    /// More than this number of bytes.
    case tooLarge(Int)
    /// The answer breaks the protocol: how.
    case malformed(String)
    /// The server does not have it.
    case notFound
    /// The server wants us to ask elsewhere, which is not done.
    case redirected(String)
    /// Another answer than success: the HTTP status, and what the server said, made safe to print.
    case status(Int, String)
    /// Whoever asked does not want it any more.
    case cancelled
}

extension FetchError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let reason): "this is not an address to fetch from: \(reason)"
        case .badProxy(let reason): "the proxy's address is wrong: \(reason)"
        case .unreachable(let reason): "cannot connect: \(reason)"
        case .proxy(let reason): "no connection through the proxy: \(reason)"
        case .insecure(let reason): "no secure connection: \(reason)"
        case .timeout: "no complete answer in time"
        case .closed: "the connection ended in the middle of the answer"
        case .tooLarge(let most): "the answer is longer than the \(most) bytes that it may have"
        case .malformed(let reason): "the answer is malformed: \(reason)"
        case .notFound: "the server does not have it"
        case .redirected(let place): "the server points to \(place); use that address, if you trust it"
        case .status(let status, let words): "the server answered \(status)\(words.isEmpty ? "" : ": \(words)")"
        case .cancelled: "cancelled"
        }
    }

    /// Whether the same may succeed later.
    public var isTemporary: Bool {
        switch self {
        case .unreachable, .proxy, .timeout, .closed: true
        case .status(let status, _): status == 429 || status >= 500
        default: false
        }
    }

    /// What a peer said, as one line of at most 200 printable ASCII characters.
    static func safe(_ bytes: some Sequence<UInt8>) -> String {
        let line = bytes.prefix { $0 != 0x0A }.prefix(200).filter { (0x20...0x7E).contains($0) }
        return String(decoding: line, as: UTF8.self)
    }
}
