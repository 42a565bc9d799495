internal import Measurement
internal import Pages

/// An interval as a small bar from 50 % to 100 %. What it shows stands beside it in words.
enum IntervalBar {
    static let width = 100
    /// At the left edge, in percent.
    static let lowest = 50.0

    static func html(_ estimate: Estimate) -> HTML {
        let left = place(estimate.low)
        let right = max(place(estimate.high), left + 3)
        let start = min(left, width - 3)
        let mark = estimate.high < MeasuredText.unreliable ? "b-bad" : estimate.low >= 0.95 ? "b-good" : "b-fair"
        let beyond: HTML =
            estimate.low * 100 < lowest ? "<path class=\"b-more\" d=\"M-2 7l-5 -4v8z\"/>" : ""
        return """
            <svg class="bar" aria-hidden="true" viewBox="-8 0 \(width + 10) 14" width="\(width + 10)" height="14">\
            <rect class="b-track" x="0" y="5" width="\(width)" height="4"/>\
            <rect class="b-tick" x="\(width / 2)" y="3" width="1" height="8"/>\
            <rect class="b-tick" x="\(width * 4 / 5)" y="3" width="1" height="8"/>\
            <rect class="\(mark)" x="\(start)" y="2" width="\(min(right, width) - start)" height="10"/>\(beyond)</svg>
            """
    }

    /// Where a fraction is on the bar.
    static func place(_ fraction: Double) -> Int {
        guard fraction.isFinite else { return 0 }
        let share = (min(max(fraction, 0), 1) * 100 - lowest) / (100 - lowest)
        return Int((max(share, 0) * Double(width)).rounded())
    }
}
