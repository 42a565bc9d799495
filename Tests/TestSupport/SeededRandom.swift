import WireFormat

/// A reproducible generator (SplitMix64). A test that draws at random makes one with `SeededRandom(name:)`, which prints
/// its seed; `NIGHTJAR_SEED` in the environment repeats a run.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64
    /// What to put into `NIGHTJAR_SEED` to see the same run again.
    public let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// Takes the seed from `NIGHTJAR_SEED`, else from the system, and prints it under the test's name.
    public init(name: String) {
        self.init(seed: Environment.seed ?? UInt64.random(in: .min ... .max))
        print("\(name): NIGHTJAR_SEED=\(seed)")
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
