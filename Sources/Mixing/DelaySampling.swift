// How long a packet waits at a hop under the `poisson` strategy. The delay is memoryless: having seen a packet wait
// says nothing about how much longer it will, so packets of fast and of slow users hide each other.

internal import Glibc
public import WireFormat

/// The distribution that a sender draws each hop's delay from: exponential, cut off at a cap.
public struct DelaySampling: Hashable, Sendable {
    /// Mean of the exponential distribution before the cut.
    public var mean: Interval
    /// No delay is longer; longer draws become exactly this.
    public var cap: Interval

    /// What ordinary mail uses: mean 120 s, at most 30 min.
    public static let standard = DelaySampling(mean: .seconds(120), cap: .minutes(30))
    /// What urgent messages use: mean 5 s. It costs anonymity: fewer packets share the pool with them.
    public static let urgent = DelaySampling(mean: .seconds(5), cap: .minutes(30))

    /// Negative lengths count as zero; a cap over 2^32 - 1 ms, the most that a packet can name, is lowered to that.
    public init(mean: Interval, cap: Interval) {
        self.mean = max(mean, .zero)
        self.cap = min(max(cap, .zero), .milliseconds(Int64(UInt32.max)))
    }

    /// One delay in milliseconds, as it stands in a packet's block.
    public func sample(using generator: inout some RandomNumberGenerator) -> UInt32 {
        let seconds = Exponential.draw(using: &generator) * mean.inSeconds
        return UInt32(clamping: min(.seconds(fraction: seconds), cap).milliseconds)
    }

    /// The mean of what `sample` returns: a little under `mean` because of the cap.
    public var expected: Interval {
        guard mean > .zero else { return .zero }
        return .seconds(fraction: mean.inSeconds * (1 - exp(-cap.inSeconds / mean.inSeconds)))
    }
}

/// Exponential draws, for delays and for the gaps of Poisson processes.
enum Exponential {
    /// A draw of mean 1, by inversion of a uniform number in (0, 1] of 53 bits; the largest possible is 36.7.
    static func draw(using generator: inout some RandomNumberGenerator) -> Double {
        let bits: UInt64 = generator.next() >> 11
        return -log(Double(bits + 1) * 0x1p-53)
    }
}
