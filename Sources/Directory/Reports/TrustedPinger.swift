public import WireFormat

/// A pinger that an authority believes.
public struct TrustedPinger: Hashable, Sendable {
    /// What the authority calls it.
    public let name: Nickname
    /// SHA-256 of the key that signs its reports.
    public let key: Digest

    public init(name: Nickname, key: Digest) {
        self.name = name
        self.key = key
    }
}
