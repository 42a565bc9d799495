public import MixCrypto
internal import WireFormat

/// New keys of an account. The old key signs the request, and the new one signs that it is meant for this account.
///
///     signing key 32 | sealing key 1216 | proof 64
public struct NymRotation: Hashable, Sendable {
    public let signing: VerificationKey
    /// May be the one that the account has.
    public let sealing: KEMPublicKey
    /// The new key's signature over "nightjar/1 nym rotation\n", the account's address, "\n", and both keys.
    public let proof: [UInt8]

    /// Signs with the new key.
    public init(
        to signing: SigningKey, sealing: KEMPublicKey, account: NymName, domain: String
    ) throws(CryptoError) {
        self.signing = signing.verificationKey
        self.sealing = sealing
        proof = try signing.sign(Self.signed(signing.verificationKey, sealing, account, domain))
    }

    /// Whether the new key has signed for this account.
    public func isProven(account: NymName, domain: String) -> Bool {
        signing.isValid(proof, over: Self.signed(signing, sealing, account, domain))
    }

    private static func signed(
        _ signing: VerificationKey, _ sealing: KEMPublicKey, _ account: NymName, _ domain: String
    ) -> [UInt8] {
        Array("nightjar/1 nym rotation\n\(account.text)@\(domain)\n".utf8) + signing.bytes + sealing.bytes
    }

    func write(to writer: inout WireWriter) {
        writer.append(signing.bytes)
        writer.append(sealing.bytes)
        writer.append(proof)
    }

    init(from reader: inout WireReader) throws {
        signing = try reader.verificationKey()
        sealing = try reader.sealingKey()
        proof = Array(try reader.slice(64))
    }
}
