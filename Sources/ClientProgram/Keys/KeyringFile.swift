// The keyring's file: one sealed block that is replaced as a whole. Its length says how many pages of 4 KiB the items fill
// and no more.
//
//     file = magic 16 | version 1 u8 | zero 3 | work 24 | nonce 12 | sealed | SHA-256 of all before 32
//     sealed = AES-256-GCM under the passphrase's key, aad = the 56 bytes before, of
//              length of the items u32 | items | zeros up to a multiple of 4096
//
// The hash tells damage by accident from a wrong passphrase.

internal import MixCrypto
internal import WireFormat

/// What can be wrong with a file, whoever the reader is.
enum KeyringFileError: Error, Equatable {
    /// Not a keyring at all.
    case foreign
    /// Of a version that we do not know.
    case version
    /// Its hash is wrong, or what is inside has no form.
    case damaged
    /// The key does not open it.
    case wrongKey
}

/// A keyring as it lies on the disk.
struct KeyringFile {
    static let magic = Array("nightjar keyring".utf8)
    static let version: UInt8 = 1
    /// Plaintext is padded to a multiple of this.
    static let step = 4096
    /// Longest file that is read.
    static let sizeLimit = 16 << 20
    private static let headSize = 16 + 4 + PasswordKey.size + SealedBox.nonceSize
    private static let itemHeadSize = 6

    /// What the key costs.
    let work: PasswordKey
    private let head: [UInt8]
    private let sealed: [UInt8]

    /// Reads the outside of a file.
    init(_ bytes: [UInt8]) throws(KeyringFileError) {
        guard bytes.starts(with: Self.magic) else { throw .foreign }
        guard bytes.count > Self.headSize + SealedBox.overhead + Digest.byteCount else { throw .damaged }
        guard bytes[16] == Self.version else { throw .version }
        let end = bytes.count - Digest.byteCount
        guard Digest.sha256(Array(bytes[..<end])).bytes == Array(bytes[end...]) else { throw .damaged }
        guard bytes[17..<20].allSatisfy({ $0 == 0 }) else { throw .version }
        do { work = try PasswordKey(decoding: bytes[20..<20 + PasswordKey.size]) } catch { throw .damaged }
        head = Array(bytes[..<Self.headSize])
        sealed = Array(bytes[Self.headSize..<end])
    }

    /// The items.
    /// - Throws: `KeyringFileError`, `CryptoError.noLockedMemory`.
    func open(_ key: SymmetricSecret) throws -> [KeyringItem] {
        let plain: SecretBytes
        do {
            plain = try SealedBox.openSecret(
                sealed, key: key, nonce: Array(head.suffix(SealedBox.nonceSize)), authenticating: head)
        } catch CryptoError.notAuthentic {
            throw KeyringFileError.wrongKey
        }
        return try plain.withBytes { try Self.items($0) }
    }

    private static func items(_ plain: UnsafeRawBufferPointer) throws -> [KeyringItem] {
        var items: [KeyringItem] = []
        var rest = plain[...]
        func take(_ count: Int) throws -> Slice<UnsafeRawBufferPointer> {
            guard count <= rest.count else { throw KeyringFileError.damaged }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func number(_ count: Int) throws -> Int { try take(count).reduce(0) { $0 << 8 | Int($1) } }
        let length = try number(4)
        guard length <= rest.count else { throw KeyringFileError.damaged }
        rest = rest.prefix(length)
        while !rest.isEmpty {
            let kind = UInt16(truncatingIfNeeded: try number(2))
            let body = try take(number(4))
            items.append(try KeyringItem(kind: kind, body: UnsafeRawBufferPointer(rebasing: body)))
        }
        return items
    }

    /// A whole file with `items`.
    static func encode(
        _ items: [KeyringItem], work: PasswordKey, key: SymmetricSecret,
        using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        let parts = items.map(\.parts)
        let length = parts.reduce(0) { $0 + itemHeadSize + $1.head.count + ($1.secret?.bytes.count ?? 0) }
        let size = (4 + length + step - 1) / step * step
        var head = WireWriter(capacity: headSize)
        head.append(magic)
        head.integer(version)
        head.zeros(3)
        head.append(work.encoded)
        head.append(generator.bytes(SealedBox.nonceSize))
        guard headSize + size + SealedBox.overhead + Digest.byteCount <= sizeLimit else { throw KeyringError.full }
        let plain = try SecretBytes(count: size) { (block) throws(Never) in
            block.initializeMemory(as: UInt8.self, repeating: 0)
            var offset = 0
            func put(_ bytes: [UInt8]) {
                UnsafeMutableRawBufferPointer(rebasing: block[offset..<offset + bytes.count]).copyBytes(from: bytes)
                offset += bytes.count
            }
            put(withUnsafeBytes(of: UInt32(length).bigEndian) { Array($0) })
            for part in parts {
                let secretSize = part.secret?.bytes.count ?? 0
                var itemHead = WireWriter(capacity: itemHeadSize)
                itemHead.integer(part.kind)
                itemHead.integer(UInt32(part.head.count + secretSize))
                put(itemHead.bytes + part.head)
                part.secret?.bytes.withBytes { secret in
                    UnsafeMutableRawBufferPointer(rebasing: block[offset..<offset + secretSize]).copyMemory(
                        from: secret)
                    offset += secretSize
                }
            }
        }
        let aad = head.bytes
        let nonce = Array(aad.suffix(SealedBox.nonceSize))
        let sealed = try plain.withBytes { try SealedBox.seal($0, key: key, nonce: nonce, authenticating: aad) }
        let bytes = aad + sealed
        return bytes + Digest.sha256(bytes).bytes
    }
}
