/// How much of what is known of each term is left when the others are not known but estimated from the same probes:
/// the share 1 / (H[t,t] * inverse(H)[t,t]) of the observed information H (minus the second derivatives of the log
/// likelihood).
///
/// 1 if a term's failures could have no other cause, near 0 if they could as well be another's.
struct Information {
    /// By term.
    private(set) var shares: [Double]

    /// With more terms above zero, which only networks of many hundreds of nodes have, all shares are `assumed`.
    static let greatestSize = 2500
    private static let assumed = 0.5
    private static let least = 0.02

    init(_ fit: TermFit) {
        shares = Array(repeating: 1, count: fit.values.count)
        let active = fit.values.indices.filter { fit.values[$0] > 0 && fit.isFree[$0] }
        let size = active.count
        guard size <= Self.greatestSize else {
            shares = shares.map { _ in Self.assumed }
            return
        }
        var numbers = Array(repeating: -1, count: fit.values.count)
        for (number, term) in active.enumerated() { numbers[term] = number }
        let bends = Self.bends(fit)
        var matrix = Self.matrix(fit, active, numbers, bends)
        let diagonal = (0..<size).map { matrix[$0 * size + $0] }
        guard Self.factor(&matrix, size) else {
            shares = shares.map { _ in Self.assumed }
            return
        }
        let inverse = Self.inverseDiagonal(matrix, size)
        for (number, term) in active.enumerated() {
            shares[term] = min(1, max(Self.least, 1 / (diagonal[number] * inverse[number])))
        }
        var cross = Array(repeating: 0.0, count: size)
        for term in fit.values.indices where fit.values[term] == 0 {
            var own = 0.0
            for number in 0..<size { cross[number] = 0 }
            for place in fit.evidence.failures(term) {
                let failure = Int(fit.evidence.incidences[place])
                own += bends[failure]
                fit.evidence.eachTerm(failure) { other in
                    if numbers[other] >= 0 { cross[numbers[other]] += bends[failure] }
                }
            }
            guard own > 0 else { continue }
            Self.solveLower(matrix, size, &cross)
            let explained = cross.reduce(0) { $0 + $1 * $1 }
            shares[term] = min(1, max(Self.least, 1 - explained / own))
        }
    }

    /// Minus the second derivative of each failure.
    private static func bends(_ fit: TermFit) -> [Double] {
        (0..<fit.evidence.failureCount).map { failure in
            let rest = max(1 - fit.unseen[failure], 1e-12)
            return fit.evidence.failureWeights[failure] * fit.unseen[failure] / (rest * rest)
        }
    }

    private static func matrix(_ fit: TermFit, _ active: [Int], _ numbers: [Int], _ bends: [Double]) -> [Double] {
        let size = active.count
        var matrix = Array(repeating: 0.0, count: size * size)
        // Lets the factoring stand a direction that nothing is known of.
        for number in 0..<size { matrix[number * size + number] = 1e-6 }
        var own: [Int] = []
        matrix.withUnsafeMutableBufferPointer { matrix in
            for failure in 0..<fit.evidence.failureCount {
                own.removeAll(keepingCapacity: true)
                fit.evidence.eachTerm(failure) { term in if numbers[term] >= 0 { own.append(numbers[term]) } }
                for row in own {
                    for column in own where column <= row { matrix[row * size + column] += bends[failure] }
                }
            }
        }
        return matrix
    }

    /// Cholesky's factor in the lower triangle; false if the matrix is not positive.
    private static func factor(_ matrix: inout [Double], _ size: Int) -> Bool {
        matrix.withUnsafeMutableBufferPointer { m in
            for row in 0..<size {
                for column in 0...row {
                    var sum = m[row * size + column]
                    for index in 0..<column { sum -= m[row * size + index] * m[column * size + index] }
                    if row == column {
                        guard sum > 0 else { return false }
                        m[row * size + row] = sum.squareRoot()
                    } else {
                        m[row * size + column] = sum / m[column * size + column]
                    }
                }
            }
            return true
        }
    }

    /// Solves L x = b in place.
    private static func solveLower(_ factor: [Double], _ size: Int, _ vector: inout [Double], from first: Int = 0) {
        factor.withUnsafeBufferPointer { m in
            vector.withUnsafeMutableBufferPointer { vector in
                for row in first..<size {
                    var sum = vector[row]
                    for index in first..<row { sum -= m[row * size + index] * vector[index] }
                    vector[row] = sum / m[row * size + row]
                }
            }
        }
    }

    /// The diagonal of the inverse: the squared lengths of the columns of the inverse factor.
    private static func inverseDiagonal(_ factor: [Double], _ size: Int) -> [Double] {
        var diagonal = Array(repeating: 0.0, count: size)
        var column = diagonal
        for place in 0..<size {
            for row in place..<size { column[row] = row == place ? 1 : 0 }
            solveLower(factor, size, &column, from: place)
            for row in place..<size { diagonal[place] += column[row] * column[row] }
        }
        return diagonal
    }
}

extension Evidence {
    @inline(__always)
    func eachTerm(_ failure: Int, _ body: (Int) -> Void) {
        for place in Int(starts[failure])..<Int(starts[failure + 1]) { body(Int(failureTerms[place])) }
    }
}
