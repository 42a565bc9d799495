import TestSupport
import Testing
import WireFormat

@testable import Messages

@Suite struct ErasureCodeTests {
    /// Multiplication in GF(2^8) modulo 0x11D, bit by bit.
    private func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product = 0
        for bit in 0..<8 where right >> bit & 1 == 1 { product ^= Int(left) << bit }
        for bit in stride(from: 14, through: 8, by: -1) where product >> bit & 1 == 1 { product ^= 0x11D << (bit - 8) }
        return UInt8(product)
    }

    @Test func theMatrixIsTheOneSpecified() throws {
        for (k, n) in [(1, 3), (5, 8), (64, 87)] {
            let matrix = try ErasureCode(dataShares: k, totalShares: n).generator
            for row in 0..<n {
                for column in 0..<k {
                    let value = matrix[row * k + column]
                    if row < k {
                        #expect(value == (row == column ? 1 : 0))
                    } else {
                        #expect(multiply(value, UInt8(row ^ column)) == 1)
                    }
                }
            }
        }
    }

    /// All subsets of k out of n, for every k up to 4 with the n of a group.
    @Test func anyKOfNSmall() throws {
        var rng = SeededRandom(name: "anyKOfNSmall")
        for k in 1...4 {
            let n = k + (k + 2) / 3 + 1
            let code = try ErasureCode(dataShares: k, totalShares: n)
            let data = rng.bytes(k * 37)
            let shares = try code.encode(data)
            #expect(shares.count == n)
            #expect(Array(shares[..<k].joined()) == data)
            for pattern in 0..<(1 << n) {
                let kept = (0..<n).filter { pattern >> $0 & 1 == 1 }.shuffled(using: &rng)
                let subset = kept.map { ErasureCode.Share(index: $0, bytes: shares[$0]) }
                if kept.count >= k {
                    #expect(try code.decode(subset) == data)
                } else {
                    #expect(throws: ErasureError.tooFewShares) { try code.decode(subset) }
                }
            }
        }
    }

    @Test func anyKOfNLarge() throws {
        var rng = SeededRandom(name: "anyKOfNLarge")
        for _ in 0..<60 {
            let k = Int.random(in: 5...64, using: &rng)
            let n = k + (k + 2) / 3 + 1
            let code = try ErasureCode(dataShares: k, totalShares: n)
            // Sizes around the library's vector widths.
            let data = rng.bytes(k * Int.random(in: 1...200, using: &rng))
            let shares = try code.encode(data)
            let kept = (0..<n).shuffled(using: &rng).prefix(k)
            #expect(try code.decode(kept.map { .init(index: $0, bytes: shares[$0]) }) == data)
        }
    }

    @Test func wrongSharesAreRefusedNotTrapped() throws {
        let code = try ErasureCode(dataShares: 2, totalShares: 4)
        let shares = try code.encode([1, 2, 3, 4])
        func share(_ index: Int, _ bytes: [UInt8]) -> ErasureCode.Share { .init(index: index, bytes: bytes) }
        for index in [-1, 4, 255, Int.max, Int.min] {
            #expect(throws: ErasureError.noSuchShare) {
                try code.decode([share(0, shares[0]), share(index, shares[1])])
            }
        }
        #expect(throws: ErasureError.duplicateShare) { try code.decode([share(1, shares[1]), share(1, shares[1])]) }
        #expect(throws: ErasureError.unequalShares) { try code.decode([share(0, [1, 2]), share(3, [1])]) }
        #expect(throws: ErasureError.unequalShares) { try code.decode([share(0, []), share(3, [])]) }
        #expect(throws: ErasureError.tooFewShares) { try code.decode([]) }
        #expect(throws: ErasureError.unequalShares) { try code.encode([1, 2, 3]) }
        #expect(throws: ErasureError.unequalShares) { try code.encode([]) }
        for (k, n) in [(0, 1), (65, 70), (3, 2), (2, 129), (-1, 4), (2, .max)] {
            #expect(throws: ErasureError.unsupportedSize) { try ErasureCode(dataShares: k, totalShares: n) }
        }
    }

    @Test func hostileSharesGiveSomeDataOrAnError() throws {
        var rng = SeededRandom(name: "hostileSharesGiveSomeDataOrAnError")
        for _ in 0..<500 {
            let k = Int.random(in: 1...6, using: &rng)
            let code = try ErasureCode(dataShares: k, totalShares: k + Int.random(in: 0...4, using: &rng))
            let shares = (0..<Int.random(in: 0...9, using: &rng)).map { _ in
                ErasureCode.Share(
                    index: Int.random(in: -1...11, using: &rng),
                    bytes: rng.bytes(Bool.random(using: &rng) ? 5 : Int.random(in: 0...5, using: &rng)))
            }
            if let data = try? code.decode(shares) { #expect(data.count == k * shares[0].bytes.count) }
        }
    }
}
