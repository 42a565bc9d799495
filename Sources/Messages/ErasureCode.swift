// Reed-Solomon over GF(2^8) by ISA-L: any k of a group's n shares give its data back. This is the only file that calls
// the library, and the only one here that handles raw pointers.

internal import CISAL

/// Why shares cannot be encoded or decoded.
public enum ErasureError: Error, Hashable, Sendable, CaseIterable {
    /// k outside 1 ... 64, or n outside k ... 128.
    case unsupportedSize
    /// Data that is not k shares of one size of at least a byte.
    case unequalShares
    /// Fewer than k different shares.
    case tooFewShares
    /// An index outside 0 ..< n.
    case noSuchShare
    /// Two shares of one index.
    case duplicateShare
    /// Data behind the message's end that is not zero.
    case badPadding
}

/// A systematic code of k shares of data and n - k of redundancy, all of one size.
///
/// The field is GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D). The generator matrix has n rows and k
/// columns: the identity above, and below it the Cauchy matrix of which row i (k <= i < n) and column j is the
/// inverse of i XOR j. That is what ISA-L's gf_gen_cauchy1_matrix makes; it depends on nothing but k and n, and every
/// choice of k rows is invertible because the i and the j are all different. Byte b of share i is row i times the
/// bytes b of the k shares of data.
public struct ErasureCode: Hashable, Sendable {
    /// k: shares of data.
    public let dataShares: Int
    /// n: shares of data and redundancy.
    public let totalShares: Int

    /// Largest k and n; a group's are at most 64 and 87.
    public static let maximumDataShares = PartLayout.dataSharesPerGroup
    public static let maximumTotalShares = 128

    /// The code of any `dataShares` out of `totalShares`.
    public init(dataShares: Int, totalShares: Int) throws(ErasureError) {
        guard (1...Self.maximumDataShares).contains(dataShares),
            (dataShares...Self.maximumTotalShares).contains(totalShares)
        else { throw .unsupportedSize }
        self.dataShares = dataShares
        self.totalShares = totalShares
    }

    /// A share and its place.
    public struct Share: Hashable, Sendable {
        /// Below k: that piece of the data. From k to n - 1: redundancy.
        public var index: Int
        public var bytes: [UInt8]

        public init(index: Int, bytes: [UInt8]) {
            self.index = index
            self.bytes = bytes
        }
    }

    /// The n shares of `data`, which is k shares in a row.
    public func encode(_ data: [UInt8]) throws(ErasureError) -> [[UInt8]] {
        guard !data.isEmpty, data.count % dataShares == 0 else { throw .unequalShares }
        let size = data.count / dataShares
        let sources = (0..<dataShares).map { Array(data[$0 * size..<($0 + 1) * size]) }
        let rows = Array(generator[(dataShares * dataShares)...])
        return sources + Self.multiply(rows: rows, sources: sources, size: size)
    }

    /// The data, k shares in a row, out of at least k shares with different indices. If there are more, those of the
    /// lowest indices are used: pieces of the data cost nothing to put back.
    public func decode(_ shares: [Share]) throws(ErasureError) -> [UInt8] {
        guard shares.allSatisfy({ $0.index >= 0 && $0.index < totalShares }) else { throw .noSuchShare }
        guard Set(shares.map(\.index)).count == shares.count else { throw .duplicateShare }
        guard shares.count >= dataShares, let size = shares.first?.bytes.count else { throw .tooFewShares }
        guard size > 0, shares.allSatisfy({ $0.bytes.count == size }) else { throw .unequalShares }

        let used = shares.sorted { $0.index < $1.index }.prefix(dataShares)
        var pieces = [[UInt8]?](repeating: nil, count: dataShares)
        for share in used where share.index < dataShares { pieces[share.index] = share.bytes }
        let missing = pieces.indices.filter { pieces[$0] == nil }
        if !missing.isEmpty {
            let inverse = try self.inverse(ofRows: used.map(\.index))
            let rows = missing.flatMap { inverse[$0 * dataShares..<($0 + 1) * dataShares] }
            let rebuilt = Self.multiply(rows: rows, sources: used.map(\.bytes), size: size)
            for (index, bytes) in zip(missing, rebuilt) { pieces[index] = bytes }
        }
        var data: [UInt8] = []
        data.reserveCapacity(size * dataShares)
        for piece in pieces { data += piece ?? [] }
        return data
    }

    /// The generator matrix, row after row, n * k bytes.
    var generator: [UInt8] {
        var matrix = [UInt8](repeating: 0, count: totalShares * dataShares)
        gf_gen_cauchy1_matrix(&matrix, Int32(totalShares), Int32(dataShares))
        return matrix
    }

    /// The inverse of the square matrix of these k rows of the generator.
    private func inverse(ofRows indices: [Int]) throws(ErasureError) -> [UInt8] {
        let generator = self.generator
        var square = indices.flatMap { generator[$0 * dataShares..<($0 + 1) * dataShares] }
        var inverse = [UInt8](repeating: 0, count: dataShares * dataShares)
        // A matrix of k different rows is never singular; should the library disagree, the shares cannot be used.
        guard gf_invert_matrix(&square, &inverse, Int32(dataShares)) == 0 else { throw .tooFewShares }
        return inverse
    }

    /// `rows` (row after row, one coefficient for each source) times `sources` of `size` bytes each.
    private static func multiply(rows: [UInt8], sources: [[UInt8]], size: Int) -> [[UInt8]] {
        let k = sources.count
        let count = rows.count / k
        guard count > 0 else { return [] }
        // ISA-L expands each coefficient into a table of 32 bytes.
        var tables = [UInt8](repeating: 0, count: 32 * k * count)
        var rows = rows
        ec_init_tables(Int32(k), Int32(count), &rows, &tables)

        let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: (k + count) * size)
        defer { block.deallocate() }
        for (index, source) in sources.enumerated() {
            _ = block[index * size..<(index + 1) * size].update(fromContentsOf: source)
        }
        var inputs: [UnsafeMutablePointer<UInt8>?] = (0..<k).map { block.baseAddress?.advanced(by: $0 * size) }
        var outputs: [UnsafeMutablePointer<UInt8>?] = (k..<k + count).map { block.baseAddress?.advanced(by: $0 * size) }
        ec_encode_data(Int32(size), Int32(k), Int32(count), &tables, &inputs, &outputs)
        return (k..<k + count).map { Array(block[$0 * size..<($0 + 1) * size]) }
    }
}
