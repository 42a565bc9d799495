// LIONESS (Anderson and Biham 1996) with AES-256-CTR and HMAC-SHA256: a cipher whose block is the whole payload, so
// that a change of any bit turns all of it into noise. Left part 32 bytes, right part the rest.

private import WireFormat

/// The wide-block cipher of the packet's payload.
public struct WideBlock: Sendable {
    private let rounds: SymmetricSecret
    private static let info = Array("nightjar/1 lioness".utf8)
    /// Bytes of the left part.
    public static let leftSize = 32

    /// Expands the round keys of a 32-byte payload key.
    public init(key: SymmetricSecret) { rounds = key.expand(info: Self.info, count: 128) }

    /// Encrypts in place; at least 33 bytes.
    public func encrypt(_ block: UnsafeMutableRawBufferPointer) {
        stream(0, block)
        hash(1, block)
        stream(2, block)
        hash(3, block)
    }

    /// Decrypts in place; at least 33 bytes.
    public func decrypt(_ block: UnsafeMutableRawBufferPointer) {
        hash(3, block)
        stream(2, block)
        hash(1, block)
        stream(0, block)
    }

    /// R ^= stream(L ^ S)
    private func stream(_ round: Int, _ block: UnsafeMutableRawBufferPointer) {
        precondition(block.count > Self.leftSize, "a wide block has a right part")
        let key = rounds.part(round).xored(with: UnsafeRawBufferPointer(rebasing: block[..<Self.leftSize]))
        key.applyStream(to: UnsafeMutableRawBufferPointer(rebasing: block[Self.leftSize...]))
    }

    /// L ^= mac(H, R)
    private func hash(_ round: Int, _ block: UnsafeMutableRawBufferPointer) {
        let mac = rounds.part(round).mac(UnsafeRawBufferPointer(rebasing: block[Self.leftSize...]))
        mac.withBytes { for index in 0..<Self.leftSize { block[index] ^= $0[index] } }
    }
}

extension SymmetricSecret {
    /// This 32-byte secret XOR 32 other bytes.
    func xored(with other: UnsafeRawBufferPointer) -> SymmetricSecret {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { scratch in
            withBytes { bytes in for index in 0..<32 { scratch[index] = bytes[index] ^ other[index] } }
            defer { ConstantTime.wipe(scratch) }
            return SymmetricSecret(UnsafeRawBufferPointer(scratch))
        }
    }
}
