// A month of a node as pictures: reliability with its interval, and the latency that it adds, a column for each day.
// The same stands in a table below.

internal import Pages
internal import WireFormat

struct HistoryChart {
    /// Days that are drawn, today the last.
    static let days = 30
    static let width = 358
    static let left = 50
    static let top = 10
    static let bottom = 130
    static let step = 10
    private static let height = 150

    let days: [DayFacts?]
    private let first: Int

    /// - Parameter history: in any order.
    init(_ history: [DayFacts], today: Int) {
        first = today - Self.days + 1
        let byDay = Dictionary(history.map { ($0.day, $0) }, uniquingKeysWith: { $1 })
        days = (first...today).map { byDay[$0] }
    }

    var isEmpty: Bool { days.allSatisfy { $0 == nil } }

    /// Middle of the column of a day.
    static func x(_ index: Int) -> Int { left + index * step + step / 2 }
    /// Height of a value on an axis from `low` to `high`.
    static func y(_ value: Double, low: Double, high: Double) -> Int {
        let share = high > low ? min(max((value - low) / (high - low), 0), 1) : 0
        return bottom - Int((share * Double(bottom - top)).rounded())
    }

    // MARK: - Reliability

    /// Where the axis of reliability begins, in thousandths: as near as all intervals allow.
    var floor: Int {
        let lowest = days.compactMap { $0?.low ?? $0?.reliability }.min() ?? 0
        return [900, 800, 500].first { $0 <= lowest } ?? 0
    }

    var reliability: HTML {
        let floor = floor
        func y(_ permille: Int) -> Int { Self.y(Double(permille), low: Double(floor), high: 1000) }
        var marks: HTML = ""
        var line = ""
        var isDrawing = false
        for (index, day) in days.enumerated() {
            let x = Self.x(index)
            guard let day, let value = day.reliability else {
                marks += Self.unknown(x)
                isDrawing = false
                continue
            }
            let (low, high) = (y(day.low ?? value), y(day.high ?? value))
            marks += """
                <rect class="c-band" x="\(x - 4)" y="\(high)" width="8" height="\(max(low - high, 2))"/>\
                <circle class="c-value" cx="\(x)" cy="\(y(value))" r="2"/>

                """
            line += "\(isDrawing ? "L" : "M")\(x) \(y(value))"
            isDrawing = true
        }
        if !line.isEmpty { marks += "<path class=\"c-line\" d=\"\(line)\"/>\n" }
        let known = days.compactMap { $0?.reliability == nil ? nil : $0 }
        let label: String
        if let low = known.compactMap({ $0.low ?? $0.reliability }).min(),
            let high = known.compactMap({ $0.high ?? $0.reliability }).max()
        {
            label =
                "Reliability on \(known.count) of \(Self.days) days, between "
                + "\(MeasuredText.interval(Double(low) / 1000, Double(high) / 1000)); the table has each day"
        } else {
            label = "Reliability: measured on none of \(Self.days) days"
        }
        let ticks = [floor, (floor + 1000) / 2, 1000].map { (y($0), "\($0 / 10) %") }
        return drawing(label, ticks, marks)
    }

    // MARK: - Latency

    /// Where the axis of latency ends, in seconds: what is above the longest and halves well.
    var ceiling: Int64 {
        let longest = days.compactMap { $0?.latency?.milliseconds }.max() ?? 0
        let steps: [Int64] = [60, 240, 600, 1200, 3600, 7200, 14_400, 43_200, 86_400]
        return steps.first { $0 * 1000 >= longest } ?? 172_800
    }

    var latency: HTML {
        let ceiling = ceiling
        func y(_ seconds: Double) -> Int { Self.y(seconds, low: 0, high: Double(ceiling)) }
        var marks: HTML = ""
        for (index, day) in days.enumerated() {
            let x = Self.x(index)
            guard let latency = day?.latency else {
                marks += Self.unknown(x)
                continue
            }
            let top = min(y(latency.inSeconds), Self.bottom - 2)
            marks +=
                "<rect class=\"c-lat\" x=\"\(x - 3)\" y=\"\(top)\" width=\"6\" height=\"\(Self.bottom - top)\"/>\n"
        }
        let known = days.compactMap { $0?.latency }
        let label: String
        if let low = known.min(), let high = known.max() {
            label =
                "Added latency on \(known.count) of \(Self.days) days, from \(MeasuredText.latency(low)) to "
                + "\(MeasuredText.latency(high)); the table has each day"
        } else {
            label = "Added latency: measured on none of \(Self.days) days"
        }
        let ticks = [(0.0, "0"), (Double(ceiling) / 2, nil), (Double(ceiling), nil)].map { value, text in
            (y(value), text ?? PageText.length(.seconds(Int64(value))))
        }
        return drawing(label, ticks, marks)
    }

    // MARK: - Axes

    /// A day of which nothing is known.
    private static func unknown(_ x: Int) -> HTML {
        "<path class=\"c-none\" d=\"M\(x - 2) \(bottom - 4)l4 4m0 -4l-4 4\"/>\n"
    }

    private func drawing(_ label: String, _ ticks: [(y: Int, text: String)], _ marks: HTML) -> HTML {
        let right = Self.left + Self.days * Self.step
        var axes: HTML = """
            <rect class="row" x="\(Self.left)" y="\(Self.top)" width="\(right - Self.left)" \
            height="\(Self.bottom - Self.top)"/>

            """
        for tick in ticks {
            axes += "<line class=\"tick\" x1=\"\(Self.left)\" y1=\"\(tick.y)\" x2=\"\(right)\" y2=\"\(tick.y)\"/>\n"
            axes += "<text class=\"late\" x=\"\(Self.left - 5)\" y=\"\(tick.y + 4)\">\(tick.text)</text>\n"
        }
        for index in stride(from: 0, to: Self.days, by: 7) {
            let x = Self.x(index)
            axes += "<line class=\"tick\" x1=\"\(x)\" y1=\"\(Self.bottom)\" x2=\"\(x)\" y2=\"\(Self.bottom + 4)\"/>\n"
            axes += "<text class=\"mid\" x=\"\(x)\" y=\"\(Self.height - 3)\">\(Day.short(first + index))</text>\n"
        }
        return """
            <svg role="img" aria-label="\(label)" viewBox="0 0 \(Self.width) \(Self.height)" width="\(Self.width)" \
            height="\(Self.height)">
            \(axes)\(marks)</svg>

            """
    }
}
