import MixCrypto
import Testing
import TestSupport
import WireFormat

@Suite("Primitives")
struct PrimitiveTests {
    @Test("HKDF gives the values of RFC 5869, test case 1")
    func hkdf() throws {
        let ikm = SymmetricSecret(copying: [UInt8](repeating: 0x0b, count: 22))
        let salt = try #require(Hex.decode("000102030405060708090a0b0c"))
        let info = try #require(Hex.decode("f0f1f2f3f4f5f6f7f8f9"))
        // The public form takes text for info; expand from the RFC's PRK takes bytes.
        let prk = SymmetricSecret(
            copying: try #require(Hex.decode("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")))
        let okm = prk.expand(info: info, count: 42).withBytes { Hex.encode($0) }
        #expect(okm == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        #expect(ikm.derive(salt: salt, info: "", count: 42).withBytes { $0.count } == 42)
    }

    @Test("HMAC-SHA256 gives the value of RFC 4231, test case 2, whole and in two pieces")
    func hmac() {
        let key = SymmetricSecret(copying: Array("Jefe".utf8))
        let message = Array("what do ya want for nothing?".utf8)
        let wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        #expect(message.withUnsafeBytes { key.mac($0) }.hex == wanted)
        let pieces = message[..<9].withUnsafeBytes { first in message[9...].withUnsafeBytes { key.mac(first, $0) } }
        #expect(pieces.hex == wanted)
    }

    @Test("the stream is AES-256-CTR from a zero counter")
    func stream() {
        // NIST SP 800-38A key of AES-256; the first stream block is the encryption of the zero block.
        let key = SymmetricSecret(
            copying: Hex.decode("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4") ?? [])
        #expect(Hex.encode(key.stream(16)) == "e568f68194cf76d6174d4cc04310a854")
    }

    @Test("the wide block goes there and back at every size")
    func wideBlock() {
        var generator = SeededRandom(name: "wideBlock")
        for size in [33, 34, 64, 100, 25652] {
            let plain = generator.bytes(size)
            let cipher = WideBlock(key: SymmetricSecret(copying: generator.bytes(32)))
            var block = plain
            block.withUnsafeMutableBytes { cipher.encrypt($0) }
            #expect(block != plain)
            block.withUnsafeMutableBytes { cipher.decrypt($0) }
            #expect(block == plain)
        }
    }

    @Test("sealing binds key, nonce, data and every byte")
    func sealedBox() throws {
        var generator = SeededRandom(name: "sealedBox")
        let key = SymmetricSecret(copying: generator.bytes(32))
        let nonce = generator.bytes(12)
        let plain = generator.bytes(1000)
        let sealed = try SealedBox.seal(plain, key: key, nonce: nonce, authenticating: [1, 2])
        #expect(sealed.count == plain.count + SealedBox.overhead)
        #expect(try SealedBox.open(sealed, key: key, nonce: nonce, authenticating: [1, 2]) == plain)
        #expect(throws: CryptoError.notAuthentic) { try SealedBox.open(sealed, key: key, nonce: nonce, authenticating: [1]) }
        #expect(throws: CryptoError.notAuthentic) { try SealedBox.open(sealed, key: .random(), nonce: nonce, authenticating: [1, 2]) }
        var changed = sealed
        changed[500] ^= 1
        #expect(throws: CryptoError.notAuthentic) { try SealedBox.open(changed, key: key, nonce: nonce, authenticating: [1, 2]) }
        #expect(throws: CryptoError.malformed) { try SealedBox.open([1, 2, 3], key: key, nonce: nonce) }
    }

    @Test("signatures verify for their message and key alone; the node id is the key's hash")
    func signing() throws {
        let key = try SigningKey.generate()
        let other = try SigningKey.generate()
        let signature = try key.sign([1, 2, 3])
        #expect(key.verificationKey.isValid(signature, over: [1, 2, 3]))
        #expect(!key.verificationKey.isValid(signature, over: [1, 2, 4]))
        #expect(!other.verificationKey.isValid(signature, over: [1, 2, 3]))
        #expect(!key.verificationKey.isValid(Array(signature.dropLast()), over: [1, 2, 3]))
        #expect(key.verificationKey.nodeID.bytes == Digest.sha256(key.verificationKey.bytes).bytes)
        #expect(throws: CryptoError.malformed) { try VerificationKey([1, 2, 3]) }
    }

    @Test("the KEM agrees, and rejects what has the wrong size")
    func kem() throws {
        let key = try KEMPrivateKey(seed: .random(count: 32))
        let (ciphertext, secret) = try key.publicKey.encapsulate()
        #expect(ciphertext.count == KEM.ciphertextSize)
        let found = try ciphertext.withUnsafeBytes { try key.decapsulate($0) }
        #expect(found.withBytes { Array($0) } == secret.withBytes { Array($0) })
        #expect(throws: CryptoError.malformed) { try [UInt8](repeating: 0, count: 5).withUnsafeBytes { _ = try key.decapsulate($0) } }
        #expect(throws: CryptoError.malformed) { try KEMPublicKey([1, 2, 3]) }
        #expect(throws: CryptoError.malformed) { try KEMPrivateKey(seed: .random(count: 31)) }
    }

    @Test("secrets move in, wipe their source, compare and copy")
    func secrets() throws {
        var source: [UInt8] = [1, 2, 3, 4]
        let secret = try SecretBytes(moving: &source)
        #expect(source == [0, 0, 0, 0])
        let copy = try secret.copy()
        let isEqual = secret.constantTimeEquals(copy)
        #expect(isEqual)
        let isOther = secret.constantTimeEquals(try SecretBytes.random(count: 4))
        #expect(!isOther)
        let isLonger = secret.constantTimeEquals(try SecretBytes.random(count: 5))
        #expect(!isLonger)
        let bytes = secret.withBytes { Array($0) }
        #expect(bytes == [1, 2, 3, 4])
    }
}
