// Answers "never seen" for nearly every new packet without asking the database. Tags are derived by a hash, so their
// own bits serve as the hash values; a sender who grinds for collisions only buys lookups.

internal import WireFormat

/// A Bloom filter over replay tags, each tag within one 64-byte block.
struct ReplayFilter: Sendable {
    private var words: [UInt64]
    private let blocks: UInt64
    /// Tags inserted, and how many keep false alarms near one in a hundred.
    private(set) var count = 0
    let capacity: Int
    /// Set when not every tag has been inserted: then every answer is "perhaps".
    var isPartial = false

    private static let probes = 6

    /// An empty filter of about `bytes`, at least 64.
    init(bytes: Int) {
        let blocks = max(1, bytes / 64)
        self.blocks = UInt64(blocks)
        words = [UInt64](repeating: 0, count: blocks * 8)
        capacity = blocks * 512 / 10
    }

    mutating func insert(_ tag: ReplayKey) {
        let (block, bits) = place(tag)
        var rest = bits
        for _ in 0..<Self.probes {
            words[block + Int(rest & 7)] |= (1 as UInt64) << (rest >> 3 & 63)
            rest >>= 9
        }
        count += 1
    }

    /// False if the tag was never inserted; true if it was, or by chance.
    func mayContain(_ tag: ReplayKey) -> Bool {
        if isPartial { return true }
        let (block, bits) = place(tag)
        var rest = bits
        for _ in 0..<Self.probes {
            if words[block + Int(rest & 7)] & ((1 as UInt64) << (rest >> 3 & 63)) == 0 { return false }
            rest >>= 9
        }
        return true
    }

    private func place(_ tag: ReplayKey) -> (block: Int, bits: UInt64) {
        (Int(tag.low % blocks) * 8, tag.high)
    }
}

/// The first 16 bytes of a replay tag: what is stored. Finding a second packet with the same 16 bytes as a given one
/// takes 2^128 tries, and two of one's own 2^64, which gains nothing.
struct ReplayKey: Hashable, Sendable {
    static let byteCount = 16
    let low: UInt64
    let high: UInt64

    init(_ tag: ReplayTag) {
        (low, high) = tag.withBytes {
            ($0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }

    /// Reads what `bytes` gave; nil for another size.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let array = Array(bytes)
        (low, high) = array.withUnsafeBytes {
            ($0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }

    /// Lends the 16 bytes.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { buffer in
            buffer.storeBytes(of: low, toByteOffset: 0, as: UInt64.self)
            buffer.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
            return try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
