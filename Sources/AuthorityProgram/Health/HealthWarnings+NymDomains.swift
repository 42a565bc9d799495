// Warnings of domains of nyms.

internal import Pages

extension HealthWarnings {
    /// Most domains that are named: four for each node there can be.
    static let maximumDomains = 20

    /// Domains that nodes announce under different keys.
    static func nymDomains(_ disputed: [DisputedNymDomain]) -> [HealthWarning] {
        disputed.prefix(maximumDomains).map { dispute in
            let sides = dispute.sides.map { side in
                let more = side.nodes.count - maximumNodes
                let names = side.nodes.prefix(maximumNodes) + (more > 0 ? ["\(counted(more, "more node"))"] : [])
                return "\(side.key) by \(PageText.list(Array(names)))"
            }
            return HealthWarning(
                .attend, "nym-domain-keys",
                "The domain \(dispute.domain) is announced with \(counted(sides.count, "key")): "
                    + "\(sides.joined(separator: "; ")). Clients refuse it until there is one.",
                advice:
                    "Ask the domain's operator which is right, and have the other nodes take it out; one that does not "
                    + "can be called `bad` in the configuration, which ends its claim.")
        }
    }

    /// Nodes that are named for one key.
    private static let maximumNodes = 5
}
