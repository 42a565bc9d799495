public import MixCrypto
public import WireFormat

/// One of those who run the directory, as the network file names it.
public struct Authority: Hashable, Sendable {
    /// Most authorities of a network.
    public static let maximumCount = 9
    /// Most addresses of an authority.
    public static let maximumURLs = 4

    public let name: Nickname
    /// Its identity, kept offline; certifies the keys that it signs with.
    public let identity: HybridVerificationKey
    /// `http://` or `https://`, without a slash at the end; may be empty.
    public let urls: [String]

    /// SHA-256 of the identity key.
    public var id: Digest { identity.digest }

    public init(name: Nickname, identity: HybridVerificationKey, urls: [String]) {
        self.name = name
        self.identity = identity
        self.urls = urls
    }

    /// Whether a URL is of the form that documents allow: scheme, host, perhaps a port and a path, at most 255 bytes.
    public static func isURL(_ text: String) -> Bool {
        let rest: Substring
        if text.hasPrefix("https://") {
            rest = text.dropFirst(8)
        } else if text.hasPrefix("http://") {
            rest = text.dropFirst(7)
        } else {
            return false
        }
        guard text.utf8.count <= 255, let first = rest.utf8.first, first != 47, first != 58, rest.utf8.last != 47 else {
            return false
        }
        // Letters, digits and - . _ ~ : / [ ] % : no query, no fragment, no user name.
        return rest.utf8.allSatisfy {
            (97...122).contains($0 | 32) || (45...58).contains($0) || [95, 126, 91, 93, 37].contains($0)
        }
    }
}
