// The last slots as a picture: a column for each slot, a row for each authority, and below them what became of the slot.
// Every mark has a shape of its own, so that nothing hangs on colour. The same stands in the table as words.

internal import Pages
internal import WireFormat

/// Draws slots.
struct SlotChart {
    let report: HealthReport

    /// Slots in one strip; three strips stand beside each other, or on a phone one above the other.
    static let columns = 24
    private static let columnWidth = 12
    /// Columns from one time to the next.
    private static let labelEvery = 6
    private static let rowHeight = 30
    private static let left = 70
    private static let top = 16
    /// Letters of a name that there is room for.
    private static let nameLength = 10

    /// The key and the strips, newest strip last.
    var html: HTML {
        let slots = Array(report.slots.reversed())
        var strips: HTML = ""
        // Cut from the newest end, so that the strip that is not full is the oldest.
        var end = slots.count
        var parts: [ArraySlice<HealthReport.SlotInfo>] = []
        while end > 0 {
            parts.append(slots[max(end - Self.columns, 0)..<end])
            end -= Self.columns
        }
        for part in parts.reversed() { strips += strip(Array(part)) }
        return """
            <figure aria-labelledby="key">
            <figcaption id="key">Each column is a slot, oldest on the left; each row is an authority.
            <ul class="key">
            \(Self.key)</ul></figcaption>
            <div class="strips">
            \(strips)</div>
            </figure>

            """
    }

    private static let key: HTML = [
        (Mark.vote, "voted" as HTML), (.noVote, "did not vote"), (.signed, "signed"),
        (.signedOther, "signed something else"), (.proposed, "led and proposed"),
        (.silentLeader, "led and did not propose"), (.double, "signed two different things"),
        (.certified, "certified"), (.late, "certified late"), (.failed, "no consensus"), (.waiting, "under way"),
        (.unknown, "not known"),
    ].map { mark, words in
        "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">\(mark.drawing(6, 6))</svg>\(words)</li>\n" as HTML
    }.joined()

    private func strip(_ slots: [HealthReport.SlotInfo]) -> HTML {
        guard let first = slots.first, let last = slots.last else { return "" }
        let names = report.authorities.map(\.name)
        let width = Self.left + Self.columns * Self.columnWidth
        let bottom = Self.top + names.count * Self.rowHeight
        let certified = slots.count { $0.state == .certified }
        let label =
            "slots \(first.slot) to \(last.slot), \(PageText.time(first.start)) to "
            + "\(PageText.time(report.start(of: last.slot + 1))): \(certified) of \(slots.count) certified; "
            + "the table has the same in words"
        var drawing: HTML = ""
        for (row, name) in names.enumerated() {
            let y = Self.top + row * Self.rowHeight
            if row.isMultiple(of: 2) {
                drawing += "<rect class=\"row\" x=\"0\" y=\"\(y)\" width=\"\(width)\" height=\"\(Self.rowHeight)\"/>\n"
            }
            let short = name.count > Self.nameLength ? String(name.prefix(Self.nameLength - 1)) + "." : name
            drawing +=
                name == report.authority
                ? "<text class=\"own\" x=\"2\" y=\"\(y + 19)\">\(short)</text>\n"
                : "<text x=\"2\" y=\"\(y + 19)\">\(short)</text>\n"
        }
        // A strip that is not full is drawn at the right, where the present is.
        let empty = Self.columns - slots.count
        for (index, slot) in slots.enumerated() {
            let x = Self.left + (empty + index) * Self.columnWidth
            if (empty + index).isMultiple(of: Self.labelEvery) {
                drawing += "<line class=\"tick\" x1=\"\(x)\" y1=\"2\" x2=\"\(x)\" y2=\"\(bottom + 16)\"/>\n"
                drawing += "<text x=\"\(x + 3)\" y=\"11\">\(PageText.clock(slot.start))</text>\n"
            }
            for (row, name) in names.enumerated() {
                drawing += cell(slot, name, x + Self.columnWidth / 2, Self.top + row * Self.rowHeight)
            }
            drawing += Mark(slot).drawing(x + Self.columnWidth / 2, bottom + 9)
        }
        // So young a network that no column has a time.
        if !(empty..<Self.columns).contains(where: { $0.isMultiple(of: Self.labelEvery) }) {
            drawing += "<text class=\"late\" x=\"\(width - 1)\" y=\"11\">\(PageText.clock(first.start))</text>\n"
        }
        return """
            <svg role="img" aria-label="\(label)" viewBox="0 0 \(width) \(bottom + 18)" width="\(width)" \
            height="\(bottom + 18)">
            \(drawing)</svg>

            """
    }

    /// What one authority did in one slot: led, voted, signed, from top to bottom.
    private func cell(_ slot: HealthReport.SlotInfo, _ name: String, _ x: Int, _ y: Int) -> HTML {
        var marks: HTML = ""
        let isOver = slot.state == .certified || slot.state == .failed
        if slot.leader == name {
            if slot.proposal != nil {
                marks += Mark.proposed.drawing(x, y + 5)
            } else if isOver {
                marks += Mark.silentLeader.drawing(x, y + 5)
            }
        }
        if slot.votes[name] != nil {
            marks += Mark.vote.drawing(x, y + 15)
        } else if isOver {
            marks += Mark.noVote.drawing(x, y + 15)
        }
        if let signed = slot.signatures[name] {
            marks += (signed == slot.agreed ? Mark.signed : .signedOther).drawing(x, y + 25)
        }
        if slot.equivocators.contains(name) { marks += Mark.double.drawing(x, y + 15) }
        return marks.text.isEmpty ? "" : marks + "\n"
    }

    /// A shape around a point.
    enum Mark {
        case vote, noVote, signed, signedOther, proposed, silentLeader, double
        case certified, late, failed, waiting, unknown

        /// What became of a slot.
        init(_ slot: HealthReport.SlotInfo) {
            switch slot.state {
            case .certified: self = slot.late ? .late : .certified
            case .failed: self = .failed
            case .underWay: self = .waiting
            case .unknown: self = .unknown
            }
        }

        func drawing(_ x: Int, _ y: Int) -> HTML {
            switch self {
            case .vote: "<circle class=\"m-vote\" cx=\"\(x)\" cy=\"\(y)\" r=\"3\"/>"
            case .noVote: "<path class=\"m-none\" d=\"M\(x - 2) \(y - 2)l4 4m0-4l-4 4\"/>"
            case .signed: "<rect class=\"m-sign\" x=\"\(x - 3)\" y=\"\(y - 3)\" width=\"6\" height=\"6\"/>"
            case .signedOther: "<path class=\"m-bad\" d=\"M\(x - 3) \(y - 3)h6v6h-6zl6 6\"/>"
            case .proposed: "<path class=\"m-lead\" d=\"M\(x - 3) \(y - 2)h6l-3 5z\"/>"
            case .silentLeader: "<path class=\"m-nolead\" d=\"M\(x - 3) \(y - 2)h6l-3 5z\"/>"
            case .double: "<circle class=\"m-double\" cx=\"\(x)\" cy=\"\(y)\" r=\"5\"/>"
            case .certified: "<rect class=\"m-good\" x=\"\(x - 4)\" y=\"\(y - 5)\" width=\"8\" height=\"10\"/>"
            case .late: "<rect class=\"m-good\" x=\"\(x - 4)\" y=\"\(y)\" width=\"8\" height=\"5\"/>"
            case .failed: "<path class=\"m-bad\" d=\"M\(x - 4) \(y - 4)l8 8m0-8l-8 8\"/>"
            case .waiting:
                """
                <circle class="m-wait" cx="\(x - 4)" cy="\(y)" r="1"/><circle class="m-wait" cx="\(x)" cy="\(y)" r="1"/>\
                <circle class="m-wait" cx="\(x + 4)" cy="\(y)" r="1"/>
                """
            case .unknown: "<circle class=\"m-none\" cx=\"\(x)\" cy=\"\(y)\" r=\"3\"/>"
            }
        }
    }
}

extension HealthReport.SlotInfo {
    /// The consensus that was certified, or else that most signed; nil without signatures.
    var agreed: Digest? {
        consensus
            ?? Dictionary(grouping: signatures.values) { $0 }
            .max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }?.key
    }
}
