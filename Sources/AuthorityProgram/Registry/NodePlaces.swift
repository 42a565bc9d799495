// Where nodes are, as far as limits are concerned: what one party can be expected to have many of.

internal import Directory
internal import MMTP

/// The places that a node claims, or the one where it answered.
struct NodePlaces: Hashable, Sendable {
    /// One host: an IPv4 address, an IPv6 /64, or a name.
    enum Host: Hashable, Sendable {
        case address([UInt8])
        case name(String)
    }

    private(set) var hosts: Set<Host> = []
    /// IPv4 /24 and IPv6 /48.
    private(set) var blocks: Set<AddressBlock> = []

    init(_ addresses: some Sequence<NodeAddress>) {
        for address in addresses {
            let (host, block) = Self.place(of: address)
            hosts.insert(host)
            if let block { blocks.insert(block) }
        }
    }

    static func place(of address: NodeAddress) -> (host: Host, block: AddressBlock?) {
        switch address.family {
        case .ipv4(let bytes): (.address(bytes), AddressBlock(ipv4: bytes[0], bytes[1], bytes[2]))
        case .ipv6(let bytes):
            // IPv4 within IPv6 is the IPv4 address.
            bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
                ? (.address(Array(bytes[12...])), AddressBlock(ipv6: bytes))
                : (.address(Array(bytes[..<8])), AddressBlock(ipv6: bytes))
        case .name: (.name(address.host.lowercased()), nil)
        }
    }
}
