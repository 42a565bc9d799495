// How records are sealed: nonce 12 | AES-256-GCM of (length of the name u16 | name | value), authenticated together with
// the kind and the hash under which the row stands, so that rows cannot be exchanged.

internal import MixCrypto
internal import WireFormat

/// Seals, opens and names records under keys derived from the storage key.
struct RecordSeal: Sendable {
    private let sealing: SymmetricSecret
    private let naming: SymmetricSecret

    init(_ storageKey: SymmetricSecret) {
        let keys = storageKey.derive(salt: [], info: "nightjar/1 records", count: 64)
        sealing = keys.part(0)
        naming = keys.part(1)
    }

    /// What a record is looked up by.
    func hash(_ kind: RecordKind, _ name: [UInt8]) -> Digest {
        ([kind.rawValue] + name).withUnsafeBytes { naming.mac($0) }
    }

    func seal(name: [UInt8], value: [UInt8], _ kind: RecordKind, _ hash: Digest) throws(SpoolError) -> [UInt8] {
        guard let length = UInt16(exactly: name.count) else { throw .malformed }
        var content = [UInt8(length >> 8), UInt8(length & 0xFF)]
        content.reserveCapacity(2 + name.count + value.count)
        content += name
        content += value
        defer { content.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        var generator = SystemRandomNumberGenerator()
        let nonce = generator.bytes(SealedBox.nonceSize)
        do {
            return nonce
                + (try SealedBox.seal(content, key: sealing, nonce: nonce, authenticating: Self.place(kind, hash)))
        } catch { throw .malformed }
    }

    func open(
        _ sealed: [UInt8], _ kind: RecordKind, _ hash: Digest
    ) throws(SpoolError) -> (name: [UInt8], value: [UInt8]) {
        guard sealed.count >= SealedBox.nonceSize + SealedBox.overhead + 2 else { throw .damaged }
        let content: [UInt8]
        do {
            content = try SealedBox.open(
                Array(sealed[SealedBox.nonceSize...]), key: sealing, nonce: Array(sealed[..<SealedBox.nonceSize]),
                authenticating: Self.place(kind, hash))
        } catch { throw .damaged }
        let length = Int(content[0]) << 8 | Int(content[1])
        guard content.count >= 2 + length else { throw .damaged }
        return (Array(content[2..<2 + length]), Array(content[(2 + length)...]))
    }

    private static func place(_ kind: RecordKind, _ hash: Digest) -> [UInt8] {
        Array("record".utf8) + [kind.rawValue] + hash.bytes
    }
}
