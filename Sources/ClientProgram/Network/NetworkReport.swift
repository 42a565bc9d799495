// What is known of an installed network, for people and as JSON.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Mixing
internal import WireFormat

/// An installed network.
struct NetworkReport: Encodable {
    struct AuthorityEntry: Encodable {
        var name: String
        var id: String
        var urls: [String]
        /// Whether it signed the consensus.
        var hasSigned: Bool
    }
    struct ConsensusEntry: Encodable {
        var height: UInt64
        var digest: String
        var published: String
        var freshUntil: String
        var validUntil: String
        /// fresh, old or expired.
        var age: String
        var ageSeconds: Int64
        var signers: [String]
        var nodes: Int
        /// Listed nodes whose descriptors are not here.
        var missing: Int
    }
    var name: String
    var version: UInt32
    var isTestNetwork: Bool
    var published: String
    var fingerprint: String
    var authorities: [AuthorityEntry]
    var quorum: Int
    var mirrors: [String]
    var consensus: ConsensusEntry?
    /// Times in milliseconds.
    var parameters: [String: Int64]
    /// Slots for which more than one certified consensus was seen.
    var forks: [UInt64]
    var unacknowledgedForks: Int
    var rollbacks: Int

    init(_ network: Network, cache: DirectoryCache, now: Timestamp) {
        let root = network.root
        let certified = network.consensus
        name = root.name
        version = root.version
        isTestNetwork = root.isTest
        published = root.published.description
        fingerprint = root.digest.hex
        authorities = root.authorities.map { authority in
            AuthorityEntry(
                name: authority.name.text, id: authority.id.hex, urls: authority.urls,
                hasSigned: certified?.signers.contains(authority.name) ?? false)
        }
        quorum = root.quorum
        mirrors = root.mirrors
        consensus = certified.map { certified in
            ConsensusEntry(
                height: certified.slot.number, digest: certified.link.digest.hex,
                published: certified.consensus.published.description,
                freshUntil: certified.consensus.freshUntil.description,
                validUntil: certified.consensus.validUntil.description, age: Self.word(certified.age(at: now)),
                ageSeconds: max(0, (now - certified.consensus.published).milliseconds / 1000),
                signers: certified.signers.map(\.text), nodes: network.nodes.count, missing: network.missing.count)
        }
        parameters = Dictionary(
            (root.parameters.values + network.parameters.values).map { ($0.name, $0.value) },
            uniquingKeysWith: { first, _ in first })
        let forks = cache.forks()
        self.forks = forks.map(\.slot.number)
        unacknowledgedForks = forks.count { !$0.isAcknowledged }
        rollbacks = cache.rollbacks().count
    }

    private static func word(_ age: ConsensusAge) -> String {
        switch age {
        case .notYet: "not yet"
        case .fresh: "fresh"
        case .old: "old"
        case .expired: "expired"
        }
    }

    /// For people.
    var lines: [String] {
        var rows: [(String, String)] = [
            ("network", name + (isTestNetwork ? " (test network)" : "")),
            ("version", "\(version), published \(published)"),
            ("fingerprint", fingerprint),
        ]
        for authority in authorities {
            rows.append(("authority", ([authority.name] + authority.urls).joined(separator: " ")))
        }
        rows.append(("quorum", "\(quorum) of \(authorities.count)"))
        rows += mirrors.map { ("mirror", $0) }
        if let consensus {
            rows += [
                ("height", "\(consensus.height)"),
                (
                    "made",
                    "\(consensus.published), \(Interval.seconds(consensus.ageSeconds).shortWords) ago: \(consensus.age)"
                ),
                ("valid until", consensus.validUntil),
                ("signed by", consensus.signers.joined(separator: ", ")),
                ("nodes", "\(consensus.nodes)\(consensus.missing > 0 ? ", \(consensus.missing) not known yet" : "")"),
            ]
        } else {
            rows.append(("height", "none yet; see `nightjar network update`"))
        }
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            let isNumber = ["hops", "message-size"].contains(name)
            rows.append(("parameter", "\(name) \(isNumber ? String(value) : Interval.milliseconds(value).shortText)"))
        }
        if !forks.isEmpty || rollbacks > 0 {
            let news = unacknowledgedForks > 0 ? ", \(unacknowledgedForks) not acknowledged" : ""
            rows.append(("evidence", "\(Count.text(forks.count, "fork"))\(news), \(Count.text(rollbacks, "rollback"))"))
        }
        return rows.map { label, text in label + String(repeating: " ", count: 13 - label.utf8.count) + text }
    }
}
