// The four keys of a hop, expanded from the secret that its KEM ciphertext carries.

internal import MixCrypto
internal import WireFormat

/// mac | stream | replay | payload, 32 bytes each (doc/PACKET.md, notation).
struct HopKeys: Sendable {
    private let keys: SymmetricSecret

    init(secret: SymmetricSecret, node: NodeID, period: KeyPeriod) {
        var info = Array("nightjar/1 hop".utf8)
        node.withBytes { info.append(contentsOf: $0) }
        info.append(UInt8(period.number >> 8))
        info.append(UInt8(period.number & 255))
        keys = secret.expand(info: info, count: 128)
    }

    var mac: SymmetricSecret { keys.part(0) }
    var stream: SymmetricSecret { keys.part(1) }
    var replayTag: ReplayTag { keys.withBytes { ReplayTag(copying: UnsafeRawBufferPointer(rebasing: $0[64..<96])) } }
    var payload: SymmetricSecret { keys.part(3) }
}
