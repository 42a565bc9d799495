// Signatures over documents. The signed bytes open with what kind of document it is and of which network, so that no
// document can stand for another.

public import MixCrypto
public import WireFormat

/// The kinds of documents that are signed.
public enum DocumentKind: String, Sendable {
    case descriptor = "nightjar-descriptor"
    case network = "nightjar-network"
}

/// Makes and checks document signatures.
public enum DocumentSignature {
    /// Label of an Ed25519 signature object (64 bytes).
    public static let label = "ED25519 SIGNATURE"
    /// Label of an Ed25519 key object (32 bytes).
    public static let keyLabel = "ED25519 KEY"

    /// What is signed: four lines of context, then the document up to the signature item.
    static func message(_ kind: DocumentKind, network: String, body: some Sequence<UInt8>) -> [UInt8] {
        Array("nightjar signature 1\n\(kind.rawValue)\n\(network)\n".utf8) + body
    }

    /// `body` with the signature item behind it.
    public static func sign(
        _ body: [DocumentItem], kind: DocumentKind, network: String, key: SigningKey
    ) throws(CryptoError) -> [UInt8] {
        let bytes = Document.write(body)
        let signature = try key.sign(message(kind, network: network, body: bytes))
        return bytes + Document.write([DocumentItem("signature", [], object: DocumentObject(label, signature))])
    }
}

/// A node's name for people: 1 to 24 letters, digits, `-` and `_`, starting with a letter.
public struct Nickname: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// Nil if `text` has another form.
    public init?(_ text: some StringProtocol) {
        guard (1...24).contains(text.utf8.count), let first = text.utf8.first, Self.isLetter(first),
            text.utf8.allSatisfy({ Self.isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 })
        else { return nil }
        self.text = String(text)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    public var description: String { text }
    /// Nicknames are compared without case.
    public var folded: String { text.lowercased() }
}
