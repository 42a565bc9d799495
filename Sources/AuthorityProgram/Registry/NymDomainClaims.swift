// Which nodes announce which domains of nyms, under which keys. A node can announce any domain, and nothing proves that its
// owner wants it; so of two keys the one that was here first stays. Pure.

internal import Directory
internal import MixCrypto
internal import WireFormat

/// A domain that nodes announce under more than one key: none of them was the first, or each was with another authority.
struct DisputedNymDomain: Hashable, Sendable {
    /// A key, and who announces it.
    struct Side: Hashable, Sendable {
        var key: KeyFingerprint
        /// Nicknames, ascending.
        var nodes: [String]
    }

    var domain: String
    /// Two at least; that of most nodes first.
    var sides: [Side]
}

/// The announcements of all nodes that hold a domain.
struct NymDomainClaims: Sendable {
    private struct Claim {
        var node: NodeID
        var nickname: String
        var key: KEMPublicKey
    }

    private var claims: [String: [Claim]] = [:]

    /// Nobody announces anything.
    init() {}

    /// - Parameter descriptors: of nodes that count, one of each.
    init(_ descriptors: some Sequence<Descriptor>) {
        for descriptor in descriptors {
            for domain in descriptor.fields.nymDomains {
                claims[domain.domain, default: []].append(
                    Claim(node: descriptor.id, nickname: descriptor.fields.nickname.text, key: domain.key))
            }
        }
    }

    /// Why a descriptor cannot be taken: it announces a domain that another node announces under another key. What the node
    /// announces already is nothing new: else both sides of a dispute would lose all nodes of the domain.
    func refusal(of descriptor: Descriptor) -> DescriptorRefusal? {
        for wanted in descriptor.fields.nymDomains {
            let claims = claims[wanted.domain] ?? []
            if claims.contains(where: { $0.node == descriptor.id && $0.key == wanted.key }) { continue }
            let others = claims.filter { $0.node != descriptor.id && $0.key != wanted.key }
            if let other = others.min(by: { $0.node < $1.node }) {
                return .nymDomainTaken(wanted.domain, key: other.key.fingerprint, by: other.node)
            }
        }
        return nil
    }

    /// Domains under more than one key, ascending.
    var disputed: [DisputedNymDomain] {
        claims.compactMap { domain, claims in
            let sides = Dictionary(grouping: claims, by: \.key.fingerprint)
            guard sides.count > 1 else { return nil }
            return DisputedNymDomain(
                domain: domain,
                sides: sides.map { key, claims in
                    DisputedNymDomain.Side(key: key, nodes: Set(claims.map(\.nickname)).sorted())
                }.sorted { ($1.nodes.count, $0.key.description) < ($0.nodes.count, $1.key.description) })
        }.sorted { $0.domain < $1.domain }
    }
}
