// Addresses of servers of the directory. Stricter than the standard: what a document of an authority may bring here is only
// what can be asked without surprises.

/// An `http` or `https` URL without user, query and fragment.
public struct DirectoryURL: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// A name or an address; an IPv6 address without its brackets.
    public let host: String
    public let port: Int
    /// Nothing, or a path with its first slash and without its last.
    let path: String

    /// Most bytes of an address.
    public static let longest = 512

    /// Reads `http://host[:port][/path]`.
    public init(_ text: String) throws(FetchError) {
        guard text.utf8.count <= Self.longest else { throw .badURL("it is longer than \(Self.longest) bytes") }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badURL("it holds a space or a character that is not ASCII")
        }
        let rest: Substring
        if text.hasPrefix("http://") {
            scheme = "http"
            rest = text.dropFirst(7)
        } else if text.hasPrefix("https://") {
            scheme = "https"
            rest = text.dropFirst(8)
        } else {
            throw .badURL("it must start with http:// or https://")
        }
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        guard path.utf8.allSatisfy(Self.isPathByte) else {
            throw .badURL("its path may hold only letters, digits and - . _ ~ % /")
        }
        self.path = String(path)
        guard !authority.contains("@") else { throw .badURL("it holds a user name, which is not supported") }
        guard let place = Self.hostAndPort(authority) else { throw .badURL("it has no valid host and port") }
        host = place.host
        port = place.port ?? (scheme == "http" ? 80 : 443)
    }

    /// The address of `name` below this one.
    public func appending(_ name: String) -> String { description + "/" + name }

    public var description: String {
        let shown = host.contains(":") ? "[\(host)]" : host
        let isDefault = port == (scheme == "http" ? 80 : 443)
        return "\(scheme)://\(shown)\(isDefault ? "" : ":\(port)")\(path)"
    }

    /// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; nil for anything else. The port is 1 to 65535.
    static func hostAndPort(_ text: Substring) -> (host: String, port: Int?)? {
        let host: Substring
        var rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.utf8.count >= 2, host.contains(":"), host.utf8.count <= 45,
                host.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text.dropFirst(host.count)
            // A name longer than that exists nowhere, and SOCKS cannot carry one longer than 255 bytes.
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else { return nil }
        }
        guard !rest.isEmpty else { return (String(host), nil) }
        guard rest.hasPrefix(":") else { return nil }
        rest = rest.dropFirst()
        guard rest.utf8.count <= 5, rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(rest),
            (1...65_535).contains(port)
        else { return nil }
        return (String(host), port)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    private static func isHostByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
    private static func isPathByte(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "-._~%/".utf8.contains(byte) }
}
