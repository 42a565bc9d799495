import MixCrypto
import Testing
import WireFormat

/// Signatures of authorities: both halves must be good.
@Suite("Hybrid signatures")
struct HybridSigningTests {
    private static func key(_ number: UInt8) throws -> HybridSigningKey {
        var seed = [UInt8](repeating: number, count: HybridSigningKey.seedSize)
        return try HybridSigningKey(seed: SecretBytes(moving: &seed))
    }

    @Test("a signature has both halves, and each must be good")
    func halves() throws {
        let key = try Self.key(1)
        let message = Array("message".utf8)
        let signature = try key.sign(message)
        #expect(signature.count == HybridVerificationKey.signatureSize)
        #expect(key.verificationKey.bytes.count == HybridVerificationKey.size)
        #expect(key.verificationKey.isValid(signature, over: message))
        #expect(!key.verificationKey.isValid(signature, over: message + [0]))
        let other = try Self.key(2).sign(message)
        #expect(!key.verificationKey.isValid(Array(signature[..<64] + other[64...]), over: message))
        #expect(!key.verificationKey.isValid(Array(other[..<64] + signature[64...]), over: message))
        #expect(!key.verificationKey.isValid(Array(signature.dropLast()), over: message))
        #expect(!key.verificationKey.isValid([], over: message))
        for index in [0, 63, 64, 2000, 3372] {
            var changed = signature
            changed[index] ^= 1
            #expect(!key.verificationKey.isValid(changed, over: message), "byte \(index)")
        }
    }

    @Test("keys come from their seeds, and have one encoding")
    func encoding() throws {
        let key = try Self.key(3)
        #expect(try Self.key(3).verificationKey == key.verificationKey)
        #expect(try HybridVerificationKey(key.verificationKey.bytes) == key.verificationKey)
        #expect(throws: CryptoError.malformed) { try HybridVerificationKey(key.verificationKey.bytes.dropLast()) }
        var short = [UInt8](repeating: 1, count: 63)
        #expect(throws: CryptoError.malformed) { try HybridSigningKey(seed: SecretBytes(moving: &short)) }
        #expect(key.withSeed { Array($0) } == [UInt8](repeating: 3, count: 64))
    }
}
