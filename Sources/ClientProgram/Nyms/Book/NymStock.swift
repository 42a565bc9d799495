// How many reply blocks a nym's server has, as far as can be known here. Only what the server has said counts, and what
// it may have got since; hope does not. Silence is taken for loss: whoever waits for an answer in place of making new
// blocks ends without a way for any answer.

internal import Messages
internal import NymProtocol
internal import WireFormat

/// The stock of one nym.
struct NymStock: Hashable, Sendable {
    /// After so long without a packet nothing is taken for granted.
    static let patience = Interval.days(1)
    /// After so long a new generation takes the place of all that was made before; while the silence goes on, after
    /// twice as long each time, up to `longestLoss`: a stock is good for two weeks.
    static let loss = Interval.days(2)
    static let longestLoss = Interval.days(8)
    /// Below this share of what is wanted the user is told, in percent.
    static let lowShare = 25
    /// Blocks for so many cycles are made at once at most in a refill.
    static let refillCycles = Int((NymTiming.refill * 3).milliseconds / NymTiming.cycle.milliseconds)

    /// Blocks that the server ought to have.
    let wanted: Int
    /// Blocks that it has for all we know.
    let estimate: Int
    /// How long nothing was heard.
    let silence: Interval

    init(_ state: NymState, now: Timestamp) {
        // Never more than the server keeps: it may have another class than was asked for.
        let packets = min(state.packets.packets, state.report?.packets.packets ?? state.packets.packets)
        wanted = NymTiming.wantedBlocks(of: NymClass(rawValue: UInt8(packets)) ?? .low)
        silence = max(.zero, now - max(state.report?.heard ?? state.created, state.renewed ?? state.created))
        // What has no result is sent again as it is, so that new blocks beside it would only be more of the same.
        let under = state.waiting.reduce(0) { $0 + Int($1.blocks) }
        guard let report = state.report, report.generation == state.generation, silence < Self.patience else {
            estimate = under
            return
        }
        let cycles = Int(max(.zero, now - report.heard).milliseconds / NymTiming.cycle.milliseconds)
        let left = max(0, Int(report.surbs) - cycles * packets)
        estimate = left + under
    }

    /// Blocks that are missing.
    var missing: Int { max(0, wanted - estimate) }
    /// Whether a refill alone would take too long.
    var needsMore: Bool { missing > wanted / 2 }
    /// Whether the user should know.
    var isLow: Bool { estimate * 100 < wanted * Self.lowShare }

    /// Most blocks of one refill; all refills of a class have the length of one that is full.
    static func refillLimit(_ packets: NymClass) -> Int { refillCycles * packets.packets }

    /// Bytes of every refill before it is made text, whatever is in it.
    static func refillSize(_ packets: NymClass) -> Int {
        refillLimit(packets) * PayloadSize.replyBlock + acknowledgementRoom
    }

    /// Items that a refill acknowledges at most, and ranges that it asks for.
    static let mostAcknowledged = 512
    static let mostRanges = 64
    private static let acknowledgementRoom = mostAcknowledged * 8 + mostRanges * 16 + 1024 + 2048

    /// Whether all that was made before is to be replaced.
    static func isLost(_ state: NymState, now: Timestamp) -> Bool {
        guard state.stage == .active, state.isPrimary else { return false }
        let last = max(state.report?.heard ?? state.created, state.renewed ?? state.created)
        // The first time after `loss`; then the silence before the last time is as long as the pause after it.
        let before = (state.renewed ?? state.created) - (state.report?.heard ?? state.created)
        return now - last >= min(max(before, loss), longestLoss)
    }
}
