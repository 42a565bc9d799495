// Every length of the packet format, derived in one place from four numbers (doc/PACKET.md, geometry).

internal import MixCrypto
public import WireFormat

/// The lengths of a packet of one suite, in bytes.
public struct Geometry: Hashable, Sendable {
    /// Suite number in the packet's first byte.
    public let suite: UInt8
    /// Size of a whole packet.
    public let packetSize: Int
    /// Most hops that a path can have.
    public let maximumHops: Int
    /// Size of a KEM ciphertext.
    public let ciphertextSize: Int
    /// Size of a MAC, a key, a node id and of the payload's tag.
    public let keySize: Int

    /// Suite 1: X-Wing, 32 KiB, five hops.
    public static let suite1 = Geometry(
        suite: 1, packetSize: 32_768, maximumHops: 5, ciphertextSize: KEM.ciphertextSize, keySize: 32)

    /// suite u8 | zero u8 | key period u16: 4.
    public var prefixSize: Int { 4 }
    /// kind u8 | zero u8 | key period or length u16 | delay u32: 8.
    public var blockHeadSize: Int { 8 }
    /// One hop's share of the routing information: 1192.
    public var blockSize: Int { blockHeadSize + keySize + ciphertextSize + keySize }
    /// Routing information: 5960.
    public var routingSize: Int { maximumHops * blockSize }
    /// Prefix, ciphertext, routing information and MAC: 7116.
    public var headerSize: Int { prefixSize + ciphertextSize + routingSize + keySize }
    /// Tag and content, one block of the wide-block cipher: 25652.
    public var payloadSize: Int { packetSize - headerSize }
    /// What a sender can fill: 25620.
    public var contentSize: Int { payloadSize - keySize }
    /// Most bytes of info in a final block: 1184.
    public var infoSize: Int { blockSize - blockHeadSize }

    /// Where the routing information starts in a packet.
    public var routingOffset: Int { prefixSize + ciphertextSize }
    /// Where the MAC starts in a packet.
    public var macOffset: Int { routingOffset + routingSize }

    /// Size of the sealed keys' plaintext in a SURB's info: 225.
    public var surbBlobSize: Int { 1 + (maximumHops + 2) * keySize }
    /// Size of the sealed keys: 241.
    public var surbSealedSize: Int { surbBlobSize + SealedBox.overhead }
    /// Longest delivery address in a SURB's info: 927.
    public var surbAddressSize: Int { infoSize - SURBID.byteCount - surbSealedSize }
    /// Size of an encoded SURB: 7224.
    public var surbSize: Int { 4 + 8 + keySize + headerSize + 2 * keySize }

    /// Names the geometry in the consensus: SHA-256 of the text `nightjar geometry` and the numbers, so that two parties
    /// whose lengths differ find out before they exchange a packet.
    public var digest: Digest {
        let numbers = [
            Int(suite), packetSize, maximumHops, ciphertextSize, keySize, blockSize, headerSize, payloadSize, surbSize,
        ]
        return Digest.sha256("nightjar geometry " + numbers.map(String.init).joined(separator: " "))
    }
}
