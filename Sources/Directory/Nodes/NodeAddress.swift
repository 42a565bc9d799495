/// Where a node listens: an IPv4 or IPv6 address or a host name, and a TCP port.
public struct NodeAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    public let host: String
    /// 1 to 65535.
    public let port: UInt16
    /// What kind of host it is.
    public let family: Family

    public enum Family: Hashable, Sendable {
        case ipv4([UInt8])
        case ipv6([UInt8])
        case name
    }

    /// Nil unless `host` is an address or a well-formed host name and the port is not zero.
    public init?(host: String, port: UInt16) {
        guard port > 0, let family = Self.family(of: host) else { return nil }
        self.host = host
        self.port = port
        self.family = family
    }

    /// Reads `host:port`, `[v6]:port`, or a bare host with `defaultPort`.
    public init?(_ text: String, defaultPort: UInt16 = 48099) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            guard host.contains(":") else { return nil }
            if rest.isEmpty {
                self.init(host: host, port: defaultPort)
            } else {
                guard rest.hasPrefix(":"), let port = Self.port(rest.dropFirst()) else { return nil }
                self.init(host: host, port: port)
            }
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: self.init(host: text, port: defaultPort)
        case 2:
            guard let port = Self.port(parts[1]) else { return nil }
            self.init(host: String(parts[0]), port: port)
        default: self.init(host: text, port: defaultPort)
        }
    }

    public var description: String {
        if case .ipv6 = family { return "[\(host)]:\(port)" }
        return "\(host):\(port)"
    }

    /// Whether packets from anywhere can reach it: not loopback, private, link-local, documentation,
    /// multicast, or IPv4 inside of IPv6.
    public var isPublic: Bool {
        switch family {
        case .ipv4(let b): return Self.isPublicIPv4(b)
        case .ipv6(let b):
            if let mapped = Self.mappedIPv4(b) { return Self.isPublicIPv4(mapped) }
            // Global unicast is 2000::/3 less documentation space: 2001:db8::/32 (RFC 3849) and 3fff::/20 (RFC 9637).
            if b[0] == 0x20, b[1] == 0x01, b[2] == 0x0D, b[3] == 0xB8 { return false }
            if b[0] == 0x3F, b[1] == 0xFF, b[2] & 0xF0 == 0 { return false }
            // What is for protocols, 2001::/23 (RFC 2928, with Teredo in it), and 6to4, 2002::/16 (RFC 3056): both can
            // carry any IPv4 address, a private one too.
            if b[0] == 0x20, b[1] == 0x01, b[2] & 0xFE == 0 { return false }
            if b[0] == 0x20, b[1] == 0x02 { return false }
            return b[0] & 0xE0 == 0x20
        case .name:
            let lower = host.lowercased()
            return lower.contains(".")
                && !["localhost", "local", "internal", "invalid", "test", "example"].contains {
                    lower == $0 || lower.hasSuffix("." + $0)
                }
        }
    }

    /// The network that counts as one place when a path is chosen: an IPv4 /16 or an IPv6 /32; nil for a name.
    public var network: [UInt8]? {
        switch family {
        case .ipv4(let bytes): [4] + bytes[..<2]
        case .ipv6(let bytes): Self.mappedIPv4(bytes).map { [4] + $0[..<2] } ?? [6] + bytes[..<4]
        case .name: nil
        }
    }

    /// The IPv4 address in ::ffff:0:0/96, which is the same place as the address itself.
    private static func mappedIPv4(_ b: [UInt8]) -> [UInt8]? {
        b[0..<10].allSatisfy { $0 == 0 } && b[10] == 255 && b[11] == 255 ? Array(b[12...]) : nil
    }

    /// The special-purpose blocks of RFC 6890 and multicast are not public.
    private static func isPublicIPv4(_ b: [UInt8]) -> Bool {
        switch (b[0], b[1], b[2]) {
        case (0, _, _), (10, _, _), (127, _, _), (169, 254, _), (192, 168, _), (198, 18...19, _): false
        case (100, 64...127, _), (172, 16...31, _): false
        case (192, 0, 0), (192, 0, 2), (198, 51, 100), (203, 0, 113): false
        default: b[0] < 224
        }
    }

    /// Digits alone: `UInt16` would take a sign.
    private static func port(_ text: some StringProtocol) -> UInt16? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(text) : nil
    }

    static func family(of host: String) -> Family? {
        if host.contains(":") { return ipv6(host).map(Family.ipv6) }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if let last = labels.last, !last.isEmpty, last.utf8.allSatisfy({ (48...57).contains($0) }) {
            // One spelling for each byte: no sign, no leading zero (which some would read as octal).
            let bytes = labels.compactMap { label in UInt8(label).flatMap { String($0) == label ? $0 : nil } }
            return labels.count == 4 && bytes.count == 4 ? .ipv4(bytes) : nil
        }
        let isName =
            host.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { (97...122).contains($0 | 32) || (48...57).contains($0) || $0 == 45 }
            }
        return isName ? .name : nil
    }

    /// RFC 4291 section 2.2 text, without zone and without embedded IPv4.
    private static func ipv6(_ text: String) -> [UInt8]? {
        let halves = text.components(separatedBy: "::")
        guard halves.count <= 2 else { return nil }
        func groups(_ part: String) -> [UInt16]? {
            if part.isEmpty { return [] }
            var values: [UInt16] = []
            for group in part.split(separator: ":", omittingEmptySubsequences: false) {
                guard (1...4).contains(group.count), let value = UInt16(group, radix: 16), group.first != "+",
                    group.first != "-"
                else { return nil }
                values.append(value)
            }
            return values
        }
        guard let head = groups(halves[0]) else { return nil }
        var all = head
        if halves.count == 2 {
            guard let tail = groups(halves[1]), head.count + tail.count <= 7 else { return nil }
            all += [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard all.count == 8 else { return nil }
        return all.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
}

extension String {
    /// Splits at every `separator`, keeping empty pieces.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var pieces: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            pieces.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return pieces + [String(rest)]
    }
}
