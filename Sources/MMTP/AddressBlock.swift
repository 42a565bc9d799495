// The part of the Internet that an address belongs to, as far as limits are concerned: what one party can be expected
// to hold many addresses of. Lives in memory only; never logged.

internal import NIOCore

/// An IPv4 /24 or an IPv6 /48.
public struct AddressBlock: Hashable, Sendable {
    private let prefix: UInt64

    /// The /24 of an IPv4 address.
    public init(ipv4 a: UInt8, _ b: UInt8, _ c: UInt8) {
        self.init(prefix: 1 << 63 | UInt64(a) << 16 | UInt64(b) << 8 | UInt64(c))
    }

    /// The /48 of an IPv6 address of 16 bytes; an IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) counts as
    /// IPv4. Nil if there are not 16 bytes.
    public init?(ipv6 bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 16 else { return nil }
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            self.init(ipv4: bytes[12], bytes[13], bytes[14])
        } else {
            self.init(prefix: bytes[..<6].reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// The block of a socket's address; all sockets that are not of the Internet share one block.
    init(_ address: SocketAddress?) {
        var block: AddressBlock?
        switch address {
        case .v4:
            // sockaddr_in: family 2, port 2, address 4.
            block = address?.withSockAddr { pointer, count in
                let raw = UnsafeRawBufferPointer(start: pointer, count: count)
                return raw.count >= 8 ? AddressBlock(ipv4: raw[4], raw[5], raw[6]) : nil
            }
        case .v6:
            // sockaddr_in6: family 2, port 2, flow 4, address 16.
            block = address?.withSockAddr { pointer, count in
                let raw = UnsafeRawBufferPointer(start: pointer, count: count)
                return raw.count >= 24 ? AddressBlock(ipv6: raw[8..<24]) : nil
            }
        case .unixDomainSocket, .none:
            block = nil
        }
        self = block ?? AddressBlock(prefix: .max)
    }

    private init(prefix: UInt64) { self.prefix = prefix }

    /// Stands for every block that does not fit into a full table.
    static let overflow = AddressBlock(prefix: .max - 1)
}
