internal import MixCrypto

/// Secret bytes with several owners, in locked memory.
final class LockedSecret: Sendable {
    let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

    /// 32 random bytes.
    static func random() throws -> LockedSecret { LockedSecret(try SecretBytes.random(count: 32)) }

    /// A copy of bytes that the caller wipes.
    init(copying buffer: UnsafeRawBufferPointer) throws {
        bytes = try SecretBytes(count: buffer.count) { (block) throws(Never) in block.copyMemory(from: buffer) }
    }
}
