// A part that travels through a reply block by the hand of another node: sealed, so that this node learns nothing of
// it, not even how long it is.

public import MixCrypto

/// Parts under a reply block's message key: AES-256-GCM, nonce of zeros (a block is used once), authenticating
/// "nightjar/1 sealed".
public enum SealedPart {
    private static let label = Array("nightjar/1 sealed".utf8)
    private static let nonce = [UInt8](repeating: 0, count: SealedBox.nonceSize)
    /// Longest part inside a seal: 18,420 bytes.
    private static let room = PayloadSize.sealedPart - PayloadSize.sealOverhead

    /// Always 18,436 bytes: the part, zeros up to 18,420, the tag. The part must be of a layout for injection.
    public static func seal(_ part: Part, messageKey: SymmetricSecret) throws(PayloadError) -> [UInt8] {
        guard part.layout.capacity == .injected, part.encodedSize <= room else { throw .shareSize }
        let bytes = part.encoded + [UInt8](repeating: 0, count: room - part.encodedSize)
        do throws(CryptoError) {
            return try SealedBox.seal(bytes, key: messageKey, nonce: nonce, authenticating: label)
        } catch {
            // The key is not one for AES-256.
            throw .notAuthentic
        }
    }

    /// The part that `seal` sealed. Zeros behind the part may be fewer; anything else there is refused.
    public static func open(
        _ sealed: [UInt8], messageKey: SymmetricSecret, limit: Int = MessageLimits.encoded
    ) throws(PayloadError) -> Part {
        guard sealed.count <= PayloadSize.sealedPart else { throw .wrongLength }
        let bytes: [UInt8]
        do throws(CryptoError) {
            bytes = try SealedBox.open(sealed, key: messageKey, nonce: nonce, authenticating: label)
        } catch {
            throw .notAuthentic
        }
        guard bytes.count >= PayloadSize.partHeader else { throw .wrongLength }
        // The message's length, the header's last field, says how long the share is.
        let length = bytes[24..<PayloadSize.partHeader].reduce(0) { $0 << 8 | Int($1) }
        let layout = try PartLayout(messageLength: length, capacity: .injected, limit: limit)
        let size = PayloadSize.partHeader + layout.shareSize
        guard bytes.count >= size else { throw .shareSize }
        guard bytes[size...].allSatisfy({ $0 == 0 }) else { throw .nonZeroPadding }
        return try Part(decoding: bytes[..<size], capacity: .injected, limit: limit)
    }
}
