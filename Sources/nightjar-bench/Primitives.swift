// The primitives of a packet, called straight through swift-crypto and with the sizes that a packet has: what nobody who
// uses this library can go below.

import Crypto
import CryptoExtras
import FoundationEssentials
import MixCrypto
import Sphinx

/// Names of the primitives, as they stand in the report.
enum Primitive: String, CaseIterable {
    case decapsulate = "X-Wing decapsulate"
    case encapsulate = "X-Wing encapsulate"
    case expand = "HKDF expand 128 B"
    case headerMAC = "HMAC 7084 B"
    case headerStream = "AES-CTR 7152 B"
    case payloadStream = "AES-CTR 25620 B"
    case payloadMAC = "HMAC 25620 B"

    /// How often it runs in one sample: the fast ones more often, so that a sample is much longer than a clock reading.
    var repetitions: Int {
        switch self {
        case .decapsulate, .encapsulate: 1
        case .payloadMAC: 2
        default: 8
        }
    }
}

/// Runs primitives on inputs of its own.
final class PrimitiveBench {
    private let privateKey: XWingMLKEM768X25519.PrivateKey
    private let publicKey: XWingMLKEM768X25519.PublicKey
    private let ciphertext: [UInt8]
    private let key = SymmetricKey(size: .bits256)
    private let info = [UInt8](repeating: 1, count: 47)
    private let zeroCounter = [UInt8](repeating: 0, count: 16)
    private var header: [UInt8]
    private var routing: [UInt8]
    private var content: [UInt8]

    init() throws {
        let g = Geometry.suite1
        privateKey = try XWingMLKEM768X25519.PrivateKey.generate()
        publicKey = try XWingMLKEM768X25519.PublicKey(rawRepresentation: privateKey.publicKey.rawRepresentation)
        ciphertext = Array(try publicKey.encapsulate().encapsulated)
        header = [UInt8](repeating: 2, count: g.macOffset)
        routing = [UInt8](repeating: 3, count: g.routingSize + g.blockSize)
        content = [UInt8](repeating: 4, count: g.contentSize)
    }

    func run(_ primitive: Primitive) throws {
        switch primitive {
        case .decapsulate:
            _ = try ciphertext.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                let data = Data(
                    bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
                _ = try privateKey.decapsulate(data)
            }
        case .encapsulate: _ = try publicKey.encapsulate()
        case .expand: _ = HKDF<SHA256>.expand(pseudoRandomKey: key, info: info, outputByteCount: 128)
        case .headerMAC: header.withUnsafeBytes { _ = HMAC<SHA256>.authenticationCode(for: $0, using: key) }
        case .payloadMAC: content.withUnsafeBytes { _ = HMAC<SHA256>.authenticationCode(for: $0, using: key) }
        case .headerStream: try stream(&routing)
        case .payloadStream: try stream(&content)
        }
    }

    private func stream(_ buffer: inout [UInt8]) throws {
        let nonce = try AES._CTR.Nonce(nonceBytes: zeroCounter)
        try buffer.withUnsafeMutableBytes { bytes in
            let output = try AES._CTR.encrypt(UnsafeRawBufferPointer(bytes), using: key, nonce: nonce)
            output.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
    }
}
