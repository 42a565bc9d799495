// How results are told: never a percentage without what it rests on, and none at all where that is too little.

internal import Measurement
internal import Pages
internal import WireFormat

/// Spelling of results.
enum MeasuredText {
    /// Who certainly passes on less than this is marked.
    static let unreliable = 0.9

    /// `97-99 %`: the interval in whole percents, rounded outwards; `99 %` where both ends are one.
    static func interval(_ low: Double, _ high: Double) -> String {
        Band(Estimate(value: low, low: low, high: high, samples: 0)).text
    }

    /// `93 %`; over and under where rounding would say all or nothing.
    static func percent(_ fraction: Double) -> String {
        let percent = Int((bounded(fraction) * 100).rounded())
        if percent == 100, fraction < 1 { return ">99 %" }
        if percent == 0, fraction > 0 { return "<1 %" }
        return "\(percent) %"
    }

    private static func bounded(_ fraction: Double) -> Double { fraction.isFinite ? min(max(fraction, 0), 1) : 0 }

    /// `3 min`; nothing finer than half a minute.
    static func latency(_ latency: Interval) -> String {
        let seconds = Coarse.latency(latency)
        return seconds == 0 ? "under 30 s" : PageText.length(.seconds(Int64(seconds)))
    }

    /// `12,345`.
    static func count(_ number: Int) -> String {
        var digits = Array(String(number.magnitude))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// `1 probe`, `12 probes`.
    static func probes(_ number: Int) -> String { "\(count(number)) \(number == 1 ? "probe" : "probes")" }

    /// `118 of 120`; a dash of nothing.
    static func share(_ share: Share) -> HTML {
        guard share.total > 0 else { return "<span class=\"soft\">none yet</span>" }
        let words = "\(count(share.good)) of \(count(share.total))"
        return share.good * 10 < share.total * 9 && share.total >= 10
            ? "<span class=\"look num\">\(words)</span>" : "<span class=\"num\">\(words)</span>"
    }

    static func unmeasured(_ minimum: Int) -> HTML {
        "<span class=\"soft\">Unmeasured: fewer than \(minimum) probes</span>"
    }

    /// The estimate, if it rests on enough.
    static func sufficient(_ estimate: Estimate?, minimum: Int) -> Estimate? {
        guard let estimate, estimate.samples >= minimum, Band(estimate).low != nil else { return nil }
        return estimate
    }

    /// Interval and samples in words.
    static func estimate(_ estimate: Estimate?, minimum: Int) -> HTML {
        guard let estimate = sufficient(estimate, minimum: minimum) else { return unmeasured(minimum) }
        let mark = estimate.high < unreliable ? "look num" : "num"
        return """
            <span class="\(mark)">\(Band(estimate).text)</span> <span class="soft num">of \(probes(estimate.samples))</span>
            """
    }
}
