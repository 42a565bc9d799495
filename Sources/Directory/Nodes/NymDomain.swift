// Which pseudonyms a node hands mail over for (doc/DIRECTORY.md, descriptor).

public import MixCrypto
internal import WireFormat

/// A nymserver that a node reaches: the domain of its nyms, and the key to which requests for it are sealed.
public struct NymDomain: Hashable, Sendable {
    static let keyword = "nym-domain"
    static let keyLabel = "NIGHTJAR NYM KEY"

    /// A host name in lower case, at most 253 bytes.
    public let domain: String
    /// The nymserver's X-Wing key, 1216 bytes.
    public let key: KEMPublicKey

    /// Nil unless `domain` is a host name in lower case.
    public init?(domain: String, key: KEMPublicKey) {
        guard domain == domain.lowercased(), NodeAddress.family(of: domain) == .name else { return nil }
        self.domain = domain
        self.key = key
    }

    var item: DocumentItem {
        DocumentItem(Self.keyword, [domain], object: DocumentObject(Self.keyLabel, key.bytes))
    }

    /// From a `nym-domain` item with one word and an object.
    init?(_ item: DocumentItem) {
        guard item.arguments.count == 1, let key = try? KEMPublicKey(item.object?.bytes ?? []) else { return nil }
        self.init(domain: item.arguments[0], key: key)
    }
}
