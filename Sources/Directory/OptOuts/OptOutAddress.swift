// Whom an opt-out is about, in the one spelling that is hashed (doc/OPTOUT.md).

/// A mail address or a whole domain, in the form that all programs of a network hash alike: `user@host` or `@host`, small
/// letters, without a `+extension` of the user.
public struct OptOutAddress: Hashable, Sendable, CustomStringConvertible {
    /// Longest address in bytes.
    public static let longest = 254

    /// The canonical text.
    public let text: String

    public var description: String { text }
    /// Whether it stands for everybody at a host.
    public var isDomain: Bool { text.utf8.first == UInt8(ascii: "@") }
    /// The part behind the `@`.
    public var host: String { text.lastIndex(of: "@").map { String(text[text.index(after: $0)...]) } ?? "" }

    /// Reads `user@host` or `@host`; nil for what no mail address looks like. ASCII only: exits write to no others.
    public init?(_ address: some StringProtocol) {
        let bytes = Array(address.utf8)
        guard bytes.count <= Self.longest, bytes.allSatisfy({ (33...126).contains($0) }),
            let at = bytes.lastIndex(of: UInt8(ascii: "@"))
        else { return nil }
        let user = bytes[..<at]
        let host = bytes[(at + 1)...]
        guard !host.isEmpty, !user.contains(UInt8(ascii: "@")), host.allSatisfy(Self.isHostByte) else { return nil }
        // An address may begin with a plus; then that is its name.
        let plus = user.dropFirst().firstIndex(of: UInt8(ascii: "+"))
        let plain = plus.map { user[..<$0] } ?? user
        text = String(decoding: (plain + [UInt8(ascii: "@")] + host).map(Self.small), as: UTF8.self)
    }

    /// Everybody at this address's host.
    public var domain: OptOutAddress { OptOutAddress(canonical: "@\(host)") }

    private init(canonical: String) { text = canonical }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    private static func small(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
