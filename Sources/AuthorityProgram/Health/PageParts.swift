// Pieces that several pages have.

internal import Pages
internal import WireFormat

/// A page of the authority's, and how it links to others: relative, because a mirror may keep the pages in a folder.
struct PageParts {
    /// Where a page stands, and so what the others are called.
    enum Place {
        /// Served by the authority.
        case server
        /// One level deeper.
        case serverBelow
        /// A file beside the others.
        case folder
    }

    let report: HealthReport
    let place: Place

    /// From the page's place to the top.
    var top: String { place == .serverBelow ? "../" : "" }
    /// Link to the summary.
    var summary: String { place == .folder ? "index.html" : top + "health" }
    /// Link to the table of nodes.
    var nodes: String { place == .folder ? "nodes.html" : top + "nodes" }
    /// Link to the evidence.
    var evidence: String { place == .folder ? "double-signing.html" : top + "double-signing" }

    /// A whole page.
    func page(_ title: String, current: String = "", _ content: HTML) -> String {
        let links = [
            PageFrame.Link(summary, "Summary"), PageFrame.Link(nodes, "Nodes"), PageFrame.Link(evidence, "Evidence"),
            PageFrame.Link(top + "health.json", "JSON"),
        ]
        let test: HTML = report.network.isTest ? " <span class=\"look\">Test network.</span>" : ""
        return PageFrame(
            owner: "\(report.network.name), \(report.authority)",
            lead: """
                Network <strong>\(report.network.name)</strong> as its directory authority <strong>\(report.authority)</strong> \
                sees it, \(PageText.time(report.time)).\(test)
                """, links: links, software: report.software, style: .authority
        ).page(title, current: current, content)
    }

    /// A moment, and how far it is from the report's.
    func moment(_ time: Timestamp) -> HTML { HTML.moment(time, from: report.time) }

    /// The first eight digits of a document's digest, as a link to the document.
    func document(_ digest: Digest) -> HTML {
        "<a href=\"\(top)documents/\(digest.hex)\"><code>\(String(digest.hex.prefix(8)))</code></a>"
    }

    /// A node's nickname as a link to its page, with the first digits of its id: nicknames may look alike.
    func node(_ id: NodeID, _ nickname: String) -> HTML {
        let short: HTML = "<code class=\"soft\">\(String(id.hex.prefix(8)))</code>"
        if place == .folder { return "\(HTML.foreign(nickname, most: 32)) \(short)" }
        return "<a href=\"\(top)node/\(id.hex)\">\(HTML.foreign(nickname, most: 32))</a> \(short)"
    }

    /// `97 %` of 970 or 973: no measurement is worth more figures.
    static func points(_ permille: Int) -> String { "\((permille + 5) / 10) %" }
}
