// When the packets of an account leave: at moments that nobody can foretell, as many in each cycle as its class says.
// Nothing is remembered, so that nothing can be lost: a server that was down goes on with the next moment.

public import MixCrypto
public import WireFormat

/// The moments of all accounts' slots.
public struct CycleClock: Sendable {
    private let secret: SymmetricSecret
    private let cycle: Interval
    private static let label = Array("nightjar/1 nym slot".utf8)

    /// - Parameters:
    ///   - secret: Of the server alone, 32 bytes.
    ///   - cycle: Longer than any count of slots in milliseconds.
    public init(secret: SymmetricSecret, cycle: Interval = NymTiming.cycle) {
        precondition(cycle.milliseconds >= 100, "a cycle has room for its slots")
        self.secret = secret
        self.cycle = cycle
    }

    /// The cycle that a time lies in, counted from 1970.
    public func number(at time: Timestamp) -> UInt64 { UInt64(max(0, time.milliseconds) / cycle.milliseconds) }

    /// First moment of a cycle.
    public func start(of number: UInt64) -> Timestamp {
        Timestamp(milliseconds: 0) + cycle * Int64(clamping: number)
    }

    /// The moments of an account's slots in a cycle: `count` different ones, ascending, each uniform in the cycle.
    public func slots(account: UInt64, cycle number: UInt64, count: Int) -> [Timestamp] {
        let start = start(of: number)
        var offsets: Set<Int64> = []
        var index: UInt64 = 0
        while offsets.count < count {
            offsets.insert(offset(account, number, index))
            index += 1
        }
        return offsets.sorted().map { start + Interval(milliseconds: $0) }
    }

    /// The account's first slot after a time. Slots that passed while nobody looked are not made up for.
    public func next(after time: Timestamp, account: UInt64, count: Int) -> Timestamp {
        var number = number(at: time)
        while true {
            if let slot = slots(account: account, cycle: number, count: max(1, count)).first(where: { $0 > time }) {
                return slot
            }
            number += 1
        }
    }

    /// Milliseconds from the cycle's start, from the first 8 bytes of a MAC.
    private func offset(_ account: UInt64, _ number: UInt64, _ index: UInt64) -> Int64 {
        var message = Self.label
        for value in [account, number, index] {
            withUnsafeBytes(of: value.bigEndian) { message.append(contentsOf: $0) }
        }
        let mac = message.withUnsafeBytes { secret.mac($0) }
        let word = mac.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(word.multipliedFullWidth(by: UInt64(cycle.milliseconds)).high)
    }
}
