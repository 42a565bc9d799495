internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

/// All links between two nodes: as a matrix, and those that lose as tables.
struct LinksPage {
    let pages: PingerPages
    /// Most links in a table.
    static let mostRows = 200

    private var facts: PingerFacts { pages.facts }

    var html: String {
        let links = facts.analysis.links
        let tested = links.filter { $0.value.arrived + $0.value.lost > 0 }
        let matrix = LinkMatrix(facts: facts)
        let listed = facts.nodes.count { facts.flags[$0] != nil }
        let known = tested.keys.count { facts.flags[$0.from] != nil && facts.flags[$0.to] != nil }
        let possible = listed * max(listed - 1, 0)
        var content: HTML
        if tested.isEmpty {
            content = "<p>No link has been tested yet.</p>\n"
        } else {
            content = """
                <p>Probes went over \(MeasuredText.count(known)) of the \(MeasuredText.count(possible)) links among the \
                \(MeasuredText.count(listed)) listed nodes. What is counted for a link are the probes whose way led over it, \
                wherever on that way they were lost: a row or column of losses speaks of its node, one cell alone of the \
                link. What a link itself passes on is estimated from all ways together. Links are counted in steps, so that no \
                node learns from this where the next probes come.</p>

                """
        }
        if !matrix.nodes.isEmpty, !tested.isEmpty {
            if matrix.isCut {
                content +=
                    "<p>Shown are the \(LinkMatrix.mostNodes) nodes with the most losses; links.csv has all.</p>\n"
            }
            content += HTML.section("matrix", "Matrix", matrix.html)
        } else if !tested.isEmpty {
            content += "<p>Nothing was lost, so there is nothing to draw; links.csv has all.</p>\n"
        }
        content += HTML.section("broken", "Broken links", broken)
        content += HTML.section("losses", "Links with losses", losses(tested))
        return pages.page("Links", current: PingerPages.links, content)
    }

    private var broken: HTML {
        let all = Set(facts.analysis.brokenLinks).union(facts.agreedBroken).sorted()
        let known = all.filter { facts.analysis.links[$0] != nil }
        guard !all.isEmpty else { return "<p>None was found.</p>\n" }
        var content: HTML = ""
        if !known.isEmpty {
            content += LinkTable(pages: pages, top: "").html(
                "Links that this pinger or the consensus says are broken", Array(known.prefix(Self.mostRows)))
        }
        let unknown = all.count - known.prefix(Self.mostRows).count
        if unknown > 0 {
            content += "<p>\(unknown) more, by the consensus and untested here or beyond this table.</p>\n"
        }
        return content
    }

    private func losses(_ tested: [NodeLink: LinkResult]) -> HTML {
        let lossy = tested.filter { $0.value.lost > 0 && !$0.value.isBroken }.sorted { left, right in
            let (a, b) = (Self.rank(left.value), Self.rank(right.value))
            return a != b ? a > b : left.key < right.key
        }.map(\.key)
        guard !lossy.isEmpty else { return "<p>No other link lost a probe.</p>\n" }
        let table = LinkTable(pages: pages, top: "").html(
            "Ways over these links lost probes; the worst first", Array(lossy.prefix(Self.mostRows)))
        let rest: HTML =
            lossy.count > Self.mostRows ? "<p>\(lossy.count - Self.mostRows) more are in links.csv.</p>\n" : ""
        return """
            <details><summary>\(MeasuredText.count(lossy.count)) \(lossy.count == 1 ? "link" : "links")</summary>
            \(table)\(rest)</details>

            """
    }

    /// The worse, the higher, and no finer than the marks: the place in a list must not tell what was counted lately. Few probes
    /// do not lead it.
    private static func rank(_ result: LinkResult) -> Int {
        switch LinkMark(result) {
        case .same, .untested, .none: 0
        case .few: 1
        case .some: 2
        case .many: 3
        case .most: 4
        case .broken: 5
        }
    }
}
