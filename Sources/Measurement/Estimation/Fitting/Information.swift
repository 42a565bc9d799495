/// How much of what is known of each term above zero is left when the others are not known but estimated from the same
/// probes: the share 1 / (H[t,t] * inverse(H)[t,t]) of the observed information H (minus the second derivatives of the
/// log likelihood).
///
/// 1 if a term's failures could have no other cause, near 0 if they could as well be another's. For a term at zero it
/// is 1: its limit is far from the fit, where the parabola that the share is taken from says nothing, and the others
/// cannot give way below zero.
struct Information {
    /// By term; 1 for those that were not asked for.
    private(set) var shares: [Double]

    /// With more terms above zero, which only networks of many hundreds of nodes have, all shares are `assumed`.
    static let greatestSize = 1500
    private static let assumed = 0.5
    /// Other terms take over at most what they have; a smaller share would count on more.
    private static let least = 0.2

    /// - Parameter isWanted: the terms whose shares are needed.
    init(_ fit: TermFit, where isWanted: (Int) -> Bool) {
        shares = Array(repeating: 1, count: fit.values.count)
        let active = fit.values.indices.filter { fit.values[$0] > 0 && fit.isFree[$0] }
        let size = active.count
        guard size <= Self.greatestSize else {
            for term in active { shares[term] = Self.assumed }
            return
        }
        var numbers = Array(repeating: -1, count: fit.values.count)
        for (number, term) in active.enumerated() { numbers[term] = number }
        var matrix = Self.matrix(fit, active, numbers, Self.bends(fit))
        let diagonal = (0..<size).map { matrix[$0 * size + $0] }
        guard Self.factor(&matrix, size) else {
            for term in active { shares[term] = Self.assumed }
            return
        }
        var column = Array(repeating: 0.0, count: size)
        for (number, term) in active.enumerated() where isWanted(term) {
            let inverse = Self.inverse(matrix, size, number, &column)
            shares[term] = min(1, max(Self.least, 1 / (diagonal[number] * inverse)))
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

    /// An element of the diagonal of the inverse: the squared length of a column of the inverse factor.
    private static func inverse(_ factor: [Double], _ size: Int, _ place: Int, _ column: inout [Double]) -> Double {
        for row in place..<size { column[row] = row == place ? 1 : 0 }
        solveLower(factor, size, &column, from: place)
        return column[place...].reduce(0) { $0 + $1 * $1 }
    }
}

extension Evidence {
    @inline(__always)
    func eachTerm(_ failure: Int, _ body: (Int) -> Void) {
        for place in Int(starts[failure])..<Int(starts[failure + 1]) { body(Int(failureTerms[place])) }
    }
}
