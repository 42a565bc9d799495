public import MixCrypto
public import WireFormat

/// Makes SURBs of an identity and opens the answers. The 32-byte secret is all that opening needs.
public struct SURBMaker: Sendable {
    private let secret: SymmetricSecret
    private let geometry: Geometry

    /// - Parameter secret: the identity's SURB secret, 32 bytes.
    public init(secret: SymmetricSecret, geometry: Geometry = .suite1) {
        self.secret = secret
        self.geometry = geometry
    }

    /// A SURB along `path` (1 to 5 hops) whose last node takes the answer to `address` (at most 927 bytes of UTF-8).
    /// - Parameter expiry: the earliest time at which a key on the path stops being accepted.
    /// - Throws: `BuildError`.
    public func make(
        path: [PathHop], address: String, expiry: Timestamp, using generator: inout some RandomNumberGenerator
    ) throws -> (surb: SURB, id: SURBID) {
        guard address.utf8.count <= geometry.surbAddressSize else { throw BuildError.addressSize(address.utf8.count) }
        let id = SURBID.random(using: &generator)
        let payloadKey = SymmetricSecret.random()
        let messageKey = SymmetricSecret.random()
        let last = FinalBlock.reply { payloadKeys in
            var blob = WireWriter(capacity: geometry.surbBlobSize)
            blob.integer(UInt8(payloadKeys.count))
            for key in payloadKeys { key.withBytes { blob.append($0) } }
            blob.zeros((geometry.maximumHops - payloadKeys.count) * geometry.keySize)
            payloadKey.withBytes { blob.append($0) }
            messageKey.withBytes { blob.append($0) }
            var bytes = blob.bytes
            blob = WireWriter()
            defer { bytes.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
            let sealed = try SealedBox.seal(
                bytes, key: sealingKey(id), nonce: Self.zeroNonce, authenticating: id.bytes)
            return ReplyInfo(id: id, sealedKeys: sealed, address: address).encoded
        }
        let header = try HeaderBuilder(geometry: geometry).build(path: path, last: last, using: &generator)
        let surb = SURB(
            expiry: Timestamp(seconds: expiry.seconds), first: path[0].node, header: header.bytes,
            payloadKey: payloadKey, messageKey: messageKey)
        return (surb, id)
    }

    /// Opens an answer: the content (25620 bytes) and the message key that a crossover node's sealing used.
    /// - Throws: `notOurs` if this identity did not make the SURB, `damaged` if the payload was changed.
    public func open(_ info: ReplyInfo, payload: [UInt8]) throws(SURBError) -> (
        content: [UInt8], messageKey: SymmetricSecret
    ) {
        guard payload.count == geometry.payloadSize else { throw .malformed }
        var blob: [UInt8]
        do {
            blob = try SealedBox.open(
                info.sealedKeys, key: sealingKey(info.id), nonce: Self.zeroNonce, authenticating: info.id.bytes)
        } catch {
            throw .notOurs
        }
        defer { blob.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        let hops = Int(blob[0])
        guard (1...geometry.maximumHops).contains(hops) else { throw .malformed }
        func key(_ index: Int) -> SymmetricSecret {
            SymmetricSecret(copying: blob[(1 + index * geometry.keySize)..<(1 + (index + 1) * geometry.keySize)])
        }
        var plain = payload
        let payloadKey = key(geometry.maximumHops)
        let isIntact = plain.withUnsafeMutableBytes { bytes in
            // Every hop decrypted; undo that from the last hop to the first, then take off the replier's own layer.
            for index in stride(from: hops - 1, through: 0, by: -1) { WideBlock(key: key(index)).encrypt(bytes) }
            WideBlock(key: payloadKey).decrypt(bytes)
            return ConstantTime.isZero(UnsafeRawBufferPointer(rebasing: bytes[..<geometry.keySize]))
        }
        guard isIntact else { throw .damaged }
        return (Array(plain[geometry.keySize...]), key(geometry.maximumHops + 1))
    }

    // The key is used for this one SURB id, so a fixed nonce is used once.
    private static let zeroNonce = [UInt8](repeating: 0, count: SealedBox.nonceSize)
    private func sealingKey(_ id: SURBID) -> SymmetricSecret {
        secret.derive(salt: id.bytes, info: "nightjar/1 surb keys", count: 32)
    }
}
