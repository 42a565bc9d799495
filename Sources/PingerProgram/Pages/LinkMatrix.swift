// All links as a picture: a row for the node that sends, a column for the one that receives. The larger and darker a
// mark, the more was lost; every kind of mark has a shape or size of its own, so that nothing hangs on colour.

internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

struct LinkMatrix {
    /// Most nodes that are drawn.
    static let mostNodes = 60
    /// A link with fewer decided probes is drawn hollow.
    static let fewProbes = 10
    static let left = 112
    static let top = 96
    /// Room for a name, in pixels.
    private static let nameWidth = 88

    let facts: PingerFacts
    /// In the order of rows and of columns.
    let nodes: [NodeID]
    /// Whether there are more.
    let isCut: Bool

    /// Of all listed nodes if there is room for them, else of those with the most losses on their links.
    init(facts: PingerFacts) {
        self.facts = facts
        let linked = Set(facts.analysis.links.keys.flatMap { [$0.from, $0.to] })
        let all = facts.nodes.filter { facts.flags[$0] != nil || linked.contains($0) }
        isCut = all.count > Self.mostNodes
        guard isCut else {
            nodes = all
            return
        }
        var losses: [NodeID: Int] = [:]
        for (link, result) in facts.analysis.links where result.lost > 0 {
            // Broken links before all others.
            let weight = result.isBroken ? 1_000_000 : min(result.lost, 999_999)
            losses[link.from, default: 0] += weight
            losses[link.to, default: 0] += weight
        }
        let worst = Set(
            losses.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.mostNodes).map(\.key))
        nodes = all.filter { worst.contains($0) }
    }

    /// From one cell to the next.
    var pitch: Int { nodes.count <= 24 ? 22 : 14 }
    /// Middle of the cell of these two, by their places in `nodes`.
    func middle(row: Int, column: Int) -> (x: Int, y: Int) {
        (Self.left + column * pitch + pitch / 2, Self.top + row * pitch + pitch / 2)
    }

    var html: HTML {
        let size = nodes.count * pitch
        let (width, height) = (Self.left + size + 6, Self.top + size + 4)
        var drawing: HTML = ""
        for (row, from) in nodes.enumerated() {
            let y = Self.top + row * pitch
            if row.isMultiple(of: 2) {
                drawing += "<rect class=\"row\" x=\"0\" y=\"\(y)\" width=\"\(width)\" height=\"\(pitch)\"/>\n"
            }
            drawing += "<text class=\"late\" x=\"\(Self.left - 6)\" y=\"\(y + pitch / 2 + 4)\">\(label(from))</text>\n"
            let x = Self.left + row * pitch + pitch / 2 + 4
            drawing += """
                <text x="\(x)" y="\(Self.top - 6)" transform="rotate(-90 \(x) \(Self.top - 6))">\(label(from))</text>

                """
        }
        for (row, from) in nodes.enumerated() {
            for (column, to) in nodes.enumerated() {
                let (x, y) = middle(row: row, column: column)
                let title: HTML
                let mark: LinkMark
                if from == to {
                    (mark, title) = (.same, "")
                } else if let result = facts.analysis.links[NodeLink(from: from, to: to)],
                    result.arrived + result.lost > 0
                {
                    mark = LinkMark(result)
                    let words = result.isBroken ? "; broken" : ""
                    title = """
                        <title>\(label(from)) to \(label(to)): \(Coarse.linkRange(result.arrived)) arrived, \
                        \(Coarse.linkRange(result.lost)) lost\(words)</title>
                        """
                } else {
                    (mark, title) = (.untested, "")
                }
                drawing += mark.drawing(x, y, pitch, title) + "\n"
            }
        }
        let shown =
            "rows send, columns receive; \(nodes.count) nodes; the tables below and on each node's page have the numbers"
        return """
            <figure aria-labelledby="key">
            <figcaption id="key">Each row is a node that sends on, each column one that receives.
            <ul class="key">
            \(Self.key)</ul></figcaption>
            <div class="scroll" role="region" aria-label="Matrix of links" tabindex="0">
            <svg role="img" aria-label="Links: \(shown)" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)">
            \(drawing)</svg>
            </div>
            </figure>

            """
    }

    private func label(_ id: NodeID) -> String {
        let name = RemailerNames.cleaned(facts.nicknames[id] ?? "")
        var width = 0
        for (index, letter) in name.enumerated() {
            width += "WMmw".contains(letter) ? 12 : "fijlrtI-".contains(letter) ? 5 : letter.isUppercase ? 9 : 7
            if width > Self.nameWidth { return name.prefix(max(index - 1, 1)) + "." }
        }
        return name
    }

    private static let key: HTML = [
        (LinkMark.none, "nothing lost" as HTML), (.some, "under 10 % lost"), (.many, "10 to 30 % lost"),
        (.most, "more lost"), (.broken, "broken"), (.few, "fewer than \(fewProbes) probes"), (.untested, "untested"),
    ].map { mark, words in
        "<li><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">\(mark.drawing(7, 7, 14, ""))</svg>\(words)</li>\n" as HTML
    }.joined()
}

/// What a cell shows.
enum LinkMark: Hashable {
    case same, untested, few, none, some, many, most, broken

    init(_ result: LinkResult) {
        let total = result.arrived + result.lost
        if result.isBroken {
            self = .broken
        } else if total < LinkMatrix.fewProbes {
            self = total > 0 ? .few : .untested
        } else if result.lost == 0 {
            self = .none
        } else if result.lost * 10 < total {
            self = .some
        } else if result.lost * 10 <= total * 3 {
            self = .many
        } else {
            self = .most
        }
    }

    /// The class of the mark in the style sheet.
    var style: String {
        switch self {
        case .same: "l-own"
        case .untested: "l-none"
        case .few: "l-few"
        case .none: "l-0"
        case .some: "l-1"
        case .many: "l-2"
        case .most: "l-3"
        case .broken: "l-bad"
        }
    }

    /// Around a point in a cell of `pitch`.
    func drawing(_ x: Int, _ y: Int, _ pitch: Int, _ title: HTML) -> HTML {
        switch self {
        case .same: return square(x, y, pitch - 2, title)
        case .untested: return "<circle class=\"\(style)\" cx=\"\(x)\" cy=\"\(y)\" r=\"1\"/>"
        case .few, .none: return square(x, y, pitch * 3 / 7, title)
        case .some: return square(x, y, pitch * 4 / 7, title)
        case .many: return square(x, y, pitch * 5 / 7, title)
        case .most: return square(x, y, pitch * 6 / 7, title)
        case .broken:
            let arm = pitch * 3 / 7
            return """
                <path class="\(style)" d="M\(x - arm) \(y - arm)l\(2 * arm) \(2 * arm)m0 -\(2 * arm)l-\(2 * arm) \(2 * arm)">\
                \(title)</path>
                """
        }
    }

    private func square(_ x: Int, _ y: Int, _ size: Int, _ title: HTML) -> HTML {
        // Even, so that it stands in the middle.
        let size = size / 2 * 2
        return """
            <rect class="\(style)" x="\(x - size / 2)" y="\(y - size / 2)" width="\(size)" height="\(size)">\(title)</rect>
            """
    }
}
