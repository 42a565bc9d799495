// The form of a sealed file, after the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár (2015): chunks of
// 64 KiB, each sealed with AES-256-GCM under the file's own key. The nonce holds the chunk's number and whether it is
// the last, so chunks cannot be exchanged, repeated, left out or cut off. The last chunk may be short, or empty.

internal import MixCrypto

/// Sizes and nonces of chunks.
enum SealedChunks {
    /// Bytes of content in every chunk but the last.
    static let contentSize = 65_536
    static let sealedSize = contentSize + SealedBox.overhead

    /// Seven zero bytes, the number big-endian, 1 for the last chunk.
    static func nonce(_ number: UInt32, isLast: Bool) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: SealedBox.nonceSize)
        for index in 0..<4 { nonce[7 + index] = UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * index)) }
        nonce[11] = isLast ? 1 : 0
        return nonce
    }
}
