// A record: one body, padded to one size for all, so that a segment shows neither what a record is nor how much of it
// is used. The body's length is kept in the database.

internal import MixCrypto

/// Sizes of a record, and where it stands.
struct Record: Sendable, Hashable {
    /// Bytes of a body at most: a packet.
    static let bodySize = 32_768
    /// Bytes on disk.
    static let sealedSize = bodySize + SealedBox.overhead

    /// The segment's number.
    var segment: UInt32
    /// The record's place in it, counted in records.
    var slot: UInt16
    /// Bytes of the body.
    var length: UInt16

    /// The nonce of a slot: its offset in the file, as 12 bytes big-endian. A slot is written once under its key.
    static func nonce(slot: Int) -> [UInt8] {
        var offset = UInt64(slot) * UInt64(sealedSize)
        var nonce = [UInt8](repeating: 0, count: SealedBox.nonceSize)
        for index in (4..<12).reversed() {
            nonce[index] = UInt8(truncatingIfNeeded: offset)
            offset >>= 8
        }
        return nonce
    }
}
