// What a name costs: time of the asker's processor, so that nobody takes ten thousand of them. The work is for one name,
// one domain and one key, and of use for nothing else.

public import MixCrypto
internal import WireFormat

/// A number that makes a hash begin with zero bits:
/// SHA-256("nightjar/1 nym work\n" | domain | "\n" | name | "\n" | key 32 | nonce u64).
public struct ProofOfWork: Hashable, Sendable {
    public let nonce: UInt64

    /// More than this nobody is asked for: a day of one processor.
    public static let mostBits = 36

    public init(nonce: UInt64) { self.nonce = nonce }

    /// The first nonce with at least `bits` zero bits; two to the power of `bits` hashes on average.
    public static func find(domain: String, name: NymName, key: VerificationKey, bits: Int) -> ProofOfWork {
        let start = beginning(domain, name, key)
        var nonce: UInt64 = 0
        while zeros(start, nonce) < bits { nonce &+= 1 }
        return ProofOfWork(nonce: nonce)
    }

    /// As `find`, but at most `tries` hashes from this nonce on, so that a caller can stop and show progress; nil if none
    /// of them will do.
    public static func find(
        domain: String, name: NymName, key: VerificationKey, bits: Int, from first: UInt64, tries: Int
    ) -> ProofOfWork? {
        let start = beginning(domain, name, key)
        for step in 0..<UInt64(max(0, tries)) where zeros(start, first &+ step) >= bits {
            return ProofOfWork(nonce: first &+ step)
        }
        return nil
    }

    /// Zero bits that the hash begins with: the work that was done.
    public func bits(domain: String, name: NymName, key: VerificationKey) -> Int {
        Self.zeros(Self.beginning(domain, name, key), nonce)
    }

    private static func beginning(_ domain: String, _ name: NymName, _ key: VerificationKey) -> DigestBuilder {
        var hash = DigestBuilder()
        hash.update(Array("nightjar/1 nym work\n\(domain)\n\(name.text)\n".utf8) + key.bytes)
        return hash
    }

    private static func zeros(_ start: DigestBuilder, _ nonce: UInt64) -> Int {
        var hash = start
        withUnsafeBytes(of: nonce.bigEndian) { hash.update($0) }
        var count = 0
        for byte in hash.finish().bytes {
            count += byte.leadingZeroBitCount
            if byte != 0 { break }
        }
        return count
    }
}
