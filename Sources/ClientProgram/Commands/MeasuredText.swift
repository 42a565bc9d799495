internal import Directory
internal import WireFormat

/// What measurements say of a node, as coarse as they are: whole points of a hundred, and times of two figures.
struct MeasuredText {
    let standing: ConsensusNode?

    /// `98 %` of 983 of 1000; nil if it is not measured.
    var reliability: String? { standing?.reliability.map { "\(($0 + 5) / 10) %" } }

    /// `20 s`, `12 min`, `3 h`; nil if it is not measured.
    var latency: String? { (standing?.latency).map(Self.length) }

    /// `80 % +20 s`, with `unreliable` behind it where the authorities say so; `unmeasured`.
    var summary: String {
        let isUnreliable = standing?.flags.contains(.unreliable) == true
        let figures = [reliability, latency.map { "+\($0)" }].compactMap(\.self)
        return ((figures.isEmpty ? ["unmeasured"] : figures) + (isUnreliable ? ["unreliable"] : []))
            .joined(separator: " ")
    }

    private static func length(_ interval: Interval) -> String {
        let seconds = max(interval.milliseconds, 0) / 1000
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\((seconds + 30) / 60) min"
        default: return "\((seconds + 1800) / 3600) h"
        }
    }
}
