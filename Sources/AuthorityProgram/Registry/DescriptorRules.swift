// What an authority takes from nodes. Pure: everything that is known is passed in. The words go to the node, whose operator
// reads them.

internal import Directory
internal import MixCrypto
internal import Spool
internal import WireFormat

/// What to do with a descriptor that its node signed.
enum DescriptorDecision: Equatable, Sendable {
    /// Keep it.
    case take
    /// It is here, or a newer one is.
    case known
    case refused(DescriptorRefusal)
}

/// Why a descriptor is not taken.
enum DescriptorRefusal: Equatable, Sendable {
    case expired(Timestamp)
    case fromTheFuture(Timestamp)
    case nicknameTaken(String, by: NodeID)
    case privateAddress(String)
    /// A host name that leads nowhere, or to private addresses only.
    case unresolvable(String)
    case privateHost(String)
    case registerFull(Int)
    /// So many nodes are at the same address, or near it.
    case placeFull(Int)
    case validTooLong(Timestamp, upTo: Timestamp)
    /// Where an authority serves HTTP.
    case authorityAddress(String)
    /// Another node announces this domain of nyms under another key.
    case nymDomainTaken(String, key: KeyFingerprint, by: NodeID)

    /// Short, for a counter.
    var label: String {
        switch self {
        case .expired: "expired"
        case .fromTheFuture: "future"
        case .nicknameTaken: "nickname"
        case .privateAddress, .privateHost: "private_address"
        case .unresolvable: "unresolvable"
        case .registerFull: "register_full"
        case .placeFull: "place_full"
        case .validTooLong: "valid_too_long"
        case .authorityAddress: "authority_address"
        case .nymDomainTaken: "nym_domain"
        }
    }

    var words: String {
        switch self {
        case .expired(let date):
            "the descriptor expired on \(date): check the node's clock, it makes a new one by itself"
        case .fromTheFuture(let date):
            "the descriptor was published on \(date), which is in the future here: set the node's clock"
        case .nicknameTaken(let name, let owner):
            "the nickname \(name) belongs to the node \(owner.hex.prefix(16)), which had it first: choose another"
        case .privateAddress(let address):
            "\(address) cannot be reached from outside: give an address in `addresses` that others can reach"
        case .unresolvable(let host):
            "the host name \(host) does not resolve: check the name's entry, or give an address instead"
        case .privateHost(let host):
            "the host name \(host) leads to addresses that cannot be reached from outside only: check the name's entry"
        case .registerFull(let count):
            "this authority lists \(count) nodes already and takes no more: tell its operator"
        case .placeFull(let count):
            "this authority lists \(count) nodes at this address, or near it, and takes no more: use another network"
        case .validTooLong(let date, let latest):
            "the descriptor is valid until \(date), but may be until \(latest) at most: check the clock of the node"
        case .authorityAddress(let address):
            "an authority answers at \(address): give the address and port of the node itself"
        case .nymDomainTaken(let domain, let key, let owner):
            "the node \(owner.hex.prefix(16)) announces \(domain) with another key, \(key), and was first: ask the domain's "
                + "operator which `key-file` is right. Until that node is gone or says the same, take \(domain) out of "
                + "[[exit.nym]]. If the domain moves to a new key, all its nodes take it out first"
        }
    }

    /// Whether it contradicts what is kept, rather than being wrong in itself.
    var isConflict: Bool {
        switch self {
        case .nicknameTaken, .nymDomainTaken: true
        default: false
        }
    }
}

/// The rules, for one network.
struct DescriptorRules: Sendable {
    let isTest: Bool
    let limits: RegistryLimits
    /// Where authorities serve HTTP: nobody else is there, and tries would go to it.
    var authorities: Set<NodeAddress> = []
    /// False where nodes cannot upload, so that people carry descriptors about: they last as long as their keys.
    var boundsValidity = true

    /// - Parameters:
    ///   - known: what is known of the node.
    ///   - owner: who has the nickname.
    ///   - claims: who announces which domain of nyms.
    func decide(
        _ descriptor: Descriptor, known: RegisteredNode?, owner: NodeID?, claims: NymDomainClaims = NymDomainClaims(),
        now: Timestamp
    ) -> DescriptorDecision {
        let fields = descriptor.fields
        guard now < fields.validUntil else { return .refused(.expired(fields.validUntil)) }
        guard fields.published <= now + limits.clockTolerance else { return .refused(.fromTheFuture(fields.published)) }
        let latest = now + limits.longestValidity
        if boundsValidity, fields.validUntil > latest {
            return .refused(.validTooLong(fields.validUntil, upTo: latest))
        }
        if let known {
            // Of two made in the same second all authorities keep the same one.
            let isNewer =
                (known.published, descriptor.digest) < (fields.published, known.descriptor)
                && known.descriptor != descriptor.digest
            guard isNewer else { return .known }
        }
        if let owner, owner != descriptor.id {
            return .refused(.nicknameTaken(fields.nickname.text, by: owner))
        }
        if !isTest, let address = fields.addresses.first(where: { !$0.isPublic }) {
            return .refused(.privateAddress(address.description))
        }
        if let address = fields.addresses.first(where: authorities.contains) {
            return .refused(.authorityAddress(address.description))
        }
        if let refusal = claims.refusal(of: descriptor) { return .refused(refusal) }
        return .take
    }

    /// Host names that must lead to public addresses before the descriptor is taken.
    func hostsToLookUp(_ descriptor: Descriptor) -> [String] {
        isTest ? [] : descriptor.fields.addresses.filter { $0.family == .name }.map(\.host)
    }

    /// Whether what a host name leads to will do.
    func judge(_ host: String, _ addresses: [NodeAddress]) -> DescriptorRefusal? {
        if addresses.isEmpty { return .unresolvable(host) }
        return addresses.contains(where: \.isPublic) ? nil : .privateHost(host)
    }
}
