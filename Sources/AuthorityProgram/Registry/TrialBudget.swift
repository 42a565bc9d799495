// Tries are something that strangers make an authority do, wherever their descriptors say: so only few go to one place.

internal import Directory
internal import MMTP

/// Where nodes may still be tried in a round. Pure.
struct TrialBudget: Sendable {
    /// Addresses that are tried of one node.
    static let targetsPerNode = 4

    private let perAddress: Int
    private let perBlock: Int
    private var hosts: [NodePlaces.Host: Int] = [:]
    private var blocks: [AddressBlock: Int] = [:]

    init(_ limits: RegistryLimits) {
        (perAddress, perBlock) = (limits.triesPerAddress, limits.triesPerBlock)
    }

    /// Counts a try of an address at which nobody has answered yet; false if there were enough.
    mutating func allows(_ address: NodeAddress) -> Bool {
        let (host, block) = NodePlaces.place(of: address)
        guard hosts[host, default: 0] < perAddress else { return false }
        if let block {
            guard blocks[block, default: 0] < perBlock else { return false }
            blocks[block, default: 0] += 1
        }
        hosts[host, default: 0] += 1
        return true
    }

    /// A new round.
    mutating func renew() { (hosts, blocks) = ([:], [:]) }
}
