public import MixCrypto
internal import WireFormat

/// A request as it came: opened, not yet known to be the account's.
public struct UnverifiedNymRequest: Sendable {
    private let request: NymRequest
    private let signed: [UInt8]
    private let signature: [UInt8]
    private let domain: String

    /// Opens a sealed request with the server's key.
    /// - Throws: `notAuthentic` if it is sealed to another key, `malformed`, `unknownVersion`, `tooLarge`.
    public init(opening sealed: [UInt8], domain: String, with key: KEMPrivateKey) throws(NymError) {
        guard sealed.count <= NymRequest.largestSealed else {
            throw .tooLarge("a request has at most \(NymRequest.largestSealed) bytes")
        }
        let plain: [UInt8]
        do {
            plain = try MailSeal.open(sealed, with: key, label: NymRequest.label)
        } catch {
            throw error == .notAuthentic ? .notAuthentic : .malformed
        }
        guard plain.count.isMultiple(of: NymRequest.sizeStep) else { throw .malformed }
        var reader = WireReader(plain)
        let parts: (ArraySlice<UInt8>, ArraySlice<UInt8>) = try decoding {
            let bytes = try reader.slice(Int(try reader.integer(UInt32.self)))
            let signature = try reader.slice(NymRequest.signatureSize)
            try reader.zeros(reader.remaining)
            return (bytes, signature)
        }
        request = try NymRequest(decoding: parts.0)
        signed = NymRequest.signed(parts.0, domain: domain)
        signature = Array(parts.1)
        self.domain = domain
    }

    /// Whose request it says to be.
    public var account: NymName { request.account }
    public var device: UInt64 { request.device }
    public var number: UInt64 { request.number }

    /// The key that a creation carries; nil for other requests. It verifies the creation itself.
    public var creationKey: VerificationKey? {
        guard case .create(let creation)? = request.commands.first else { return nil }
        return creation.signing
    }

    /// The request, if it is signed by this key: the account's, or `creationKey` where there is no account yet. A key
    /// that a rotation brings must have signed too.
    public func verify(_ key: VerificationKey) throws(NymError) -> NymRequest {
        guard key.isValid(signature, over: signed) else { throw .badSignature }
        for case .rotate(let rotation) in request.commands {
            guard rotation.isProven(account: request.account, domain: domain) else { throw .badSignature }
        }
        return request
    }
}
