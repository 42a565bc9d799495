// What a node does with a packet (doc/PACKET.md, unwrapping). The order of the steps is part of the format: a packet
// costs one decapsulation and a MAC before anything else is touched, and a replay costs no more than that.
//
// Time: the same work is done whatever the key period, the next hop and (before the last step) the kind.

public import MixCrypto
public import WireFormat

/// Why a packet is dropped at unwrapping. Trivial on purpose: a rejected packet costs no allocation.
public enum UnwrapFailure: Error, Equatable, Sendable, CaseIterable {
    /// Size, suite, reserved bytes, kind or padding are not the format's.
    case malformed
    /// The named period has no key here: not yet known, or destroyed.
    case unknownPeriod
    /// The header has been changed, or the packet is not for this node.
    case badMAC
    /// This packet has been here before.
    case replay
    /// The payload of a delivered packet has been changed on the way: possible tagging.
    case badTag
}

/// What is to become of an unwrapped packet.
public enum Outcome: Sendable {
    /// Hold `delay` milliseconds, then send `packet` (32768 bytes) to `next`.
    case forward(next: NodeID, delay: UInt32, packet: [UInt8])
    /// The content (25620 bytes) of a forward packet that ends here.
    case deliver(delay: UInt32, content: [UInt8])
    /// A reply that ends here: the SURB's info (SURB id, sealed keys, address) and the payload (25652 bytes) for its maker.
    case reply(delay: UInt32, info: [UInt8], payload: [UInt8])
}

/// The packet keys that a node accepts at a time.
public protocol PacketKeys {
    /// The private key of `period`; nil if it is not accepted.
    func key(of period: KeyPeriod) -> KEMPrivateKey?
}

/// A packet whose header has been authenticated and whose payload is untouched. Look the tag up, then `finish`.
public struct OpenedPacket: ~Copyable {
    fileprivate var packet: [UInt8]
    fileprivate let keys: HopKeys
    /// What tells this packet from every other that this node's key of `period` opens.
    public let replayTag: ReplayTag
    /// The key period that the packet names.
    public let period: KeyPeriod
}

/// Opens packets for one node. Holds a work space, so each worker has its own.
public struct Unwrapper: ~Copyable {
    private let node: NodeID
    private let geometry: Geometry
    private let space: UnsafeMutableRawBufferPointer

    /// An unwrapper for the node whose id is `node`.
    public init(node: NodeID, geometry: Geometry = .suite1) {
        self.node = node
        self.geometry = geometry
        space = .allocate(byteCount: geometry.routingSize + geometry.blockSize, alignment: 16)
    }

    deinit {
        ConstantTime.wipe(space)
        space.deallocate()
    }

    /// Checks size and prefix, decapsulates, checks the MAC in constant time. The payload is not touched.
    public func open(_ packet: consuming [UInt8], keys: some PacketKeys) throws(UnwrapFailure) -> OpenedPacket {
        let g = geometry
        guard packet.count == g.packetSize, packet[0] == g.suite, packet[1] == 0 else { throw .malformed }
        let period = KeyPeriod(UInt16(packet[2]) << 8 | UInt16(packet[3]))
        guard let key = keys.key(of: period) else { throw .unknownPeriod }
        let hopKeys: HopKeys? = packet.withUnsafeBytes { bytes in
            let ciphertext = UnsafeRawBufferPointer(rebasing: bytes[g.prefixSize..<g.routingOffset])
            guard let secret = try? key.decapsulate(ciphertext) else { return nil }
            let keys = HopKeys(secret: secret, node: node, period: period)
            let mac = keys.mac.mac(UnsafeRawBufferPointer(rebasing: bytes[..<g.macOffset]))
            let claimed = UnsafeRawBufferPointer(rebasing: bytes[g.macOffset..<g.headerSize])
            return mac.withBytes { ConstantTime.equal($0, claimed) } ? keys : nil
        }
        guard let hopKeys else { throw .badMAC }
        return OpenedPacket(packet: packet, keys: hopKeys, replayTag: hopKeys.replayTag, period: period)
    }

    /// Takes this hop's layer off routing information and payload, in the packet's own buffer.
    public func finish(_ opened: consuming OpenedPacket) throws(UnwrapFailure) -> Outcome {
        let g = geometry
        let keys = opened.keys
        // Taken out, not read: with two owners the first write would copy the packet.
        var opened = opened
        var packet: [UInt8] = []
        swap(&packet, &opened.packet)
        let plain = UnsafeRawBufferPointer(space)
        packet.withUnsafeMutableBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: space[..<g.routingSize])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[g.routingOffset..<g.macOffset]))
            ConstantTime.wipe(UnsafeMutableRawBufferPointer(rebasing: space[g.routingSize...]))
            keys.stream.applyStream(to: space)
            WideBlock(key: keys.payload).decrypt(UnsafeMutableRawBufferPointer(rebasing: bytes[g.headerSize...]))
        }
        let field = UInt16(plain[2]) << 8 | UInt16(plain[3])
        let delay = UInt32(plain[4]) << 24 | UInt32(plain[5]) << 16 | UInt32(plain[6]) << 8 | UInt32(plain[7])
        guard plain[1] == 0 else { throw .malformed }
        switch plain[0] {
        case 0:
            let nodeEnd = g.blockHeadSize + g.keySize
            let next = NodeID(copying: UnsafeRawBufferPointer(rebasing: plain[g.blockHeadSize..<nodeEnd]))
            packet.withUnsafeMutableBytes { bytes in
                bytes[2] = UInt8(field >> 8)
                bytes[3] = UInt8(field & 255)
                let ciphertext = plain[nodeEnd..<nodeEnd + g.ciphertextSize]
                UnsafeMutableRawBufferPointer(rebasing: bytes[g.prefixSize..<g.routingOffset])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: ciphertext))
                UnsafeMutableRawBufferPointer(rebasing: bytes[g.routingOffset..<g.macOffset])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: plain[g.blockSize...]))
                UnsafeMutableRawBufferPointer(rebasing: bytes[g.macOffset..<g.headerSize])
                    .copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: plain[(nodeEnd + g.ciphertextSize)..<g.blockSize]))
            }
            return .forward(next: next, delay: delay, packet: packet)
        case 1, 2:
            let infoEnd = g.blockHeadSize + Int(field)
            guard infoEnd <= g.blockSize else { throw .malformed }
            guard ConstantTime.isZero(UnsafeRawBufferPointer(rebasing: plain[infoEnd..<g.blockSize])) else {
                throw .malformed
            }
            if plain[0] == 1 {
                guard field == 0 else { throw .malformed }
                let contentStart = g.headerSize + g.keySize
                let isIntact = packet.withUnsafeBytes {
                    ConstantTime.isZero(UnsafeRawBufferPointer(rebasing: $0[g.headerSize..<contentStart]))
                }
                guard isIntact else { throw .badTag }
                packet.removeFirst(contentStart)
                return .deliver(delay: delay, content: packet)
            }
            guard Int(field) >= SURBID.byteCount + g.surbSealedSize else { throw .malformed }
            packet.removeFirst(g.headerSize)
            return .reply(delay: delay, info: Array(plain[g.blockHeadSize..<infoEnd]), payload: packet)
        default:
            throw .malformed
        }
    }

    /// `open`, the replay check, `finish`, in the order that the format demands.
    /// - Parameter isKnown: whether a packet with this tag has been here before.
    public func unwrap(
        _ packet: consuming [UInt8], keys: some PacketKeys, isKnown: (ReplayTag, KeyPeriod) -> Bool
    ) throws(UnwrapFailure) -> (tag: ReplayTag, period: KeyPeriod, outcome: Outcome) {
        let opened = try open(packet, keys: keys)
        let tag = opened.replayTag
        let period = opened.period
        guard !isKnown(tag, period) else { throw .replay }
        return (tag, period, try finish(opened))
    }
}
