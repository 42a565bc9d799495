// The pinger's pages: HTML without scripts in a folder that any web server can serve (doc/PINGER.md, what it writes).

internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

struct PingerPages {
    let facts: PingerFacts
    private let files: [NodeID: String]
    /// The links of each node that were tested, from it and to it.
    let tested: [NodeID: [NodeLink]]

    static let index = "index.html"
    static let links = "links.html"

    init(facts: PingerFacts) {
        self.facts = facts
        var files: [NodeID: String] = [:]
        var taken: Set<String> = []
        for id in facts.nodes {
            let nickname = String(RemailerNames.cleaned(facts.nicknames[id] ?? "").prefix(24))
            let short = "\(nickname)-\(id.hex.prefix(8))"
            files[id] = taken.insert(short.lowercased()).inserted ? short : "\(nickname)-\(id.hex)"
        }
        self.files = files
        var tested: [NodeID: [NodeLink]] = [:]
        for (link, result) in facts.analysis.links where result.arrived + result.lost > 0 {
            tested[link.from, default: []].append(link)
            tested[link.to, default: []].append(link)
        }
        self.tested = tested
    }

    /// Names and contents.
    var all: [(String, String)] {
        [(Self.index, IndexPage(pages: self).html), (Self.links, LinksPage(pages: self).html)]
            + facts.nodes.compactMap { id in file(of: id).map { ($0, NodePage(pages: self, id: id).html) } }
    }

    /// `node/NICK-ID8.html`; nil if there is no such page.
    func file(of id: NodeID) -> String? { files[id].map { "node/\($0).html" } }

    // MARK: - Pieces

    /// A whole page. - Parameter top: from its place to that of the summary.
    func page(_ title: String, current: String = "", top: String = "", _ content: HTML) -> String {
        let test: HTML = facts.isTest ? " <span class=\"look\">Test network.</span>" : ""
        return PageFrame(
            owner: "\(facts.network), \(facts.name)",
            lead: """
                Network <strong>\(facts.network)</strong> as the pinger <strong>\(facts.name)</strong> measures it, \
                \(PageText.time(facts.made)).\(test)
                """,
            links: [
                PageFrame.Link(top + Self.index, "Nodes"), PageFrame.Link(top + Self.links, "Links"),
                PageFrame.Link(top + "measurements.json", "JSON"), PageFrame.Link(top + Self.index + "#files", "Files"),
            ], software: facts.software, style: .pinger
        ).page(title, current: current.isEmpty ? "" : top + current, content)
    }

    /// A node's nickname as a link to its page, with the first digits of its id: nicknames may look alike.
    func node(_ id: NodeID, top: String = "") -> HTML {
        let name = HTML.foreign(facts.nicknames[id] ?? "(no name)", most: 32)
        let short: HTML = "<code class=\"soft\">\(String(id.hex.prefix(8)))</code>"
        return file(of: id).map { "<a href=\"\(top)\($0)\">\(name)</a> \(short)" } ?? "\(name) \(short)"
    }

    /// Nodes as a list in words, `more` beyond some.
    func list(_ ids: [NodeID], most: Int = 8, top: String = "") -> HTML {
        let shown = ids.prefix(most).map { id -> HTML in "\(node(id, top: top))" }.joined(", ")
        return ids.count > most ? "\(shown) and \(ids.count - most) more" : shown
    }

    /// How the pinger is.
    var state: HTML {
        var items: [HTML] = []
        if let silence = facts.silence {
            items.append(
                item(
                    "urgent", "Now:",
                    """
                    \(Self.sentence(silence)) What follows is as of \
                    \(HTML.moment(facts.analysis.made, from: facts.made)).
                    """))
        }
        for problem in facts.problems.prefix(20) { items.append(item("attend", "Note:", "\(Self.sentence(problem))")) }
        let lossy = facts.nodes.filter { id in
            facts.flags[id] != nil && facts.analysis.nodes[id]?.relay.map { $0.high < MeasuredText.unreliable } == true
        }
        if !lossy.isEmpty {
            items.append(item("attend", "Note:", "More than one packet in ten is lost by \(list(lossy))."))
        }
        let broken = facts.analysis.brokenLinks.count
        if broken > 0 {
            items.append(
                item(
                    "attend", "Note:",
                    "\(broken == 1 ? "One link is" : "\(broken) links are") broken: <a href=\"#broken\">which</a>."))
        }
        let mark = facts.silence != nil ? "urgent" : items.isEmpty ? "well" : "attend"
        return HTML.state(summary, mark: mark, items: items)
    }

    private var summary: String {
        if facts.silence != nil { return "The pinger cannot judge at present." }
        if facts.analysis.first == nil { return "Starting: there is no probe yet." }
        let listed = facts.nodes.filter { facts.flags[$0] != nil }
        let measured = listed.count { facts.analysis.nodes[$0]?.relay != nil }
        if measured == 0 { return "Measuring: no node has had enough probes yet." }
        guard measured == listed.count else { return "\(measured) of \(listed.count) nodes are measured." }
        return measured == 1 ? "The one node is measured." : "All \(measured) nodes are measured."
    }

    private func item(_ mark: String, _ level: String, _ words: HTML) -> HTML {
        "<li><span class=\"level \(mark)\">\(level)</span> \(words)</li>\n"
    }

    /// With a capital and an end.
    private static func sentence(_ words: String) -> String {
        let cut = String(words.prefix(HTML.maximumText))
        return cut.prefix(1).uppercased() + cut.dropFirst() + (cut.hasSuffix(".") ? "" : ".")
    }
}
