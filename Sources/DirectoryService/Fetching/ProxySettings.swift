// The proxy that everything is fetched through, if the user wants one. The names of servers are never resolved here then: they go
// to the proxy as names, by HTTP CONNECT (for http as well as https) or by SOCKS5 with a domain name. Only the proxy's own
// name, if it is one, is resolved by this system. Environment variables such as `http_proxy` are not read.

/// Where a proxy is and what it speaks.
public struct ProxySettings: Hashable, Sendable {
    /// What a proxy speaks.
    public enum Kind: String, Hashable, Sendable {
        /// HTTP CONNECT.
        case http
        /// SOCKS5 (RFC 1928), with a password by RFC 1929. Names are resolved by the proxy.
        case socks5
    }

    public let kind: Kind
    public let host: String
    public let port: Int
    /// Whether the proxy is told a user and a password.
    public var hasCredentials: Bool { user != nil }
    let user: String?
    let password: String

    /// Reads `http://[user:password@]host:port` or `socks5://[user:password@]host:port`; `socks5h` and `socks` are the
    /// same as `socks5`. In user and password `%` and two hexadecimal digits stand for a byte. Throws `badProxy` with a reason
    /// that does not repeat the password.
    public init(_ text: String) throws(FetchError) {
        let form = "write http://host:port or socks5://host:port, with user:password@ before the host if it wants one"
        let scheme = text.prefix { $0 != ":" }
        guard text.utf8.count <= 1024, text.dropFirst(scheme.count).hasPrefix("://") else { throw .badProxy(form) }
        switch scheme {
        case "http": kind = .http
        case "socks5", "socks5h", "socks": kind = .socks5
        case "https": throw .badProxy("TLS to the proxy itself is not supported; \(form)")
        case "socks4", "socks4a": throw .badProxy("SOCKS version 4 is not supported; \(form)")
        default: throw .badProxy(form)
        }
        var rest = text.dropFirst(scheme.count + 3)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = Self.decoded(credentials[0]), !user.isEmpty,
                let password = credentials.count == 2 ? Self.decoded(credentials[1]) : ""
            else { throw .badProxy("user and password must be plain ASCII, with %XX for other bytes") }
            // RFC 1929 has one byte for each length.
            guard user.utf8.count <= 255, password.utf8.count <= 255 else {
                throw .badProxy("user and password may have 255 bytes each")
            }
            // HTTP's basic authentication ends the user at the first colon.
            guard kind == .socks5 || !user.contains(":") else { throw .badProxy("the user's name holds a colon") }
            self.user = user
            self.password = password
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
            password = ""
        }
        guard let place = DirectoryURL.hostAndPort(rest) else { throw .badProxy(form) }
        guard let port = place.port ?? (kind == .socks5 ? 1080 : nil) else {
            throw .badProxy("its port is missing; \(form)")
        }
        host = place.host
        self.port = port
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard (0x21...0x7E).contains(byte) else { return nil }
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ProxySettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The proxy without its user and password.
    public var description: String { "\(kind.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
