// Settings that are known not to give anonymity. They are allowed, for tests and for study, but only when the operator
// says that he knows, and the descriptor says so too.

public import WireFormat

/// Why a strategy's settings are known to be weak.
public enum MixWeakness: String, CaseIterable, Hashable, Sendable {
    /// A threshold flush can be forced: whoever sends all packets but one knows the last (the n-1 attack).
    case flushableThreshold
    /// A pool that keeps next to nothing behind is a plain timed mix: a quiet interval mixes nobody with nobody.
    case noReserve
    /// The cap is so near the interval that packets leave in the batch after they came.
    case capNearInterval
    /// The cap cuts off most delays, so that it, and not chance, decides when a packet leaves.
    case capNearMean

    /// A sentence for the operator.
    public var explanation: String {
        switch self {
        case .flushableThreshold:
            "a threshold mix can be flushed by whoever sends all packets but one, who then knows the one that is left"
        case .noReserve:
            "a pool that keeps fewer than \(MixStrategy.smallestReserve) packets mixes nobody with nobody when it is quiet"
        case .capNearInterval: "a cap under three intervals makes packets leave in the batch after they came"
        case .capNearMean: "a cap under twice the mean delay cuts off so many delays that packets can be followed"
        }
    }
}

extension MixStrategy {
    /// The configuration key that must be true for a weak setting to be used.
    public static let consentKey = "i-understand-this-is-not-anonymous"
    /// Fewer packets than this left behind give under three bits of doubt.
    public static let smallestReserve = 8

    /// What is known to be weak about these settings; empty if nothing is.
    /// - Parameter meanDelay: the mean delay that senders of this network use.
    public func weaknesses(meanDelay: Interval = DelaySampling.standard.mean) -> [MixWeakness] {
        switch self {
        case .poisson(let cap): cap < meanDelay * 2 ? [.capNearMean] : []
        case .timedDynamicPool(let interval, let minimum, _, let cap):
            (minimum < Self.smallestReserve ? [.noReserve] : []) + (cap < interval * 3 ? [.capNearInterval] : [])
        case .threshold: [.flushableThreshold]
        }
    }
}
