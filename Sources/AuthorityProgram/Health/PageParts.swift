// Pieces that several pages have.

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
        let links: [(path: String, name: String)] = [
            (summary, "Summary"), (nodes, "Nodes"), (evidence, "Evidence"), (top + "health.json", "JSON"),
        ]
        let items = links.map { path, name -> HTML in
            path == current
                ? "<li><a href=\"\(path)\" aria-current=\"page\">\(name)</a></li>\n"
                : "<li><a href=\"\(path)\">\(name)</a></li>\n"
        }
        let test: HTML = report.network.isTest ? " <span class=\"look\">Test network.</span>" : ""
        let page: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(PageStyle.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <meta name="color-scheme" content="light dark">
            <title>\(title) - \(report.network.name), \(report.authority)</title>
            <style>\(HTML(stringLiteral: PageStyle.text))</style>
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <h1>\(title)</h1>
            <p>Network <strong>\(report.network.name)</strong> as its directory authority <strong>\(report.authority)</strong> \
            sees it, \(PageText.time(report.time)).\(test)</p>
            <nav aria-label="Pages"><ul>
            \(items)</ul></nav>
            </header>
            <main id="content">
            \(content)</main>
            <footer>
            <p>All times are UTC. This page has no scripts and loads nothing. \(report.software).</p>
            </footer>
            </body>
            </html>

            """
        return page.text
    }

    /// A moment, and how far it is from the report's.
    func moment(_ time: Timestamp) -> HTML {
        "\(when(time)) <span class=\"soft\">(\(PageText.relative(time, to: report.time)))</span>"
    }

    /// A moment alone.
    func when(_ time: Timestamp) -> HTML {
        "<time class=\"when\" datetime=\"\(time.description)\">\(PageText.time(time))</time>"
    }

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

    /// Flags as words in boxes, those that speak against a node marked.
    func flags(_ flags: [String]) -> HTML {
        if flags.isEmpty { return "<span class=\"soft\">none</span>" }
        return flags.map { flag -> HTML in
            switch flag {
            case "Bad": "<span class=\"flag bad\">Bad</span>"
            case "Unreliable": "<span class=\"flag look\">Unreliable</span>"
            default: "<span class=\"flag\">\(HTML.foreign(flag, most: 32))</span>"
            }
        }.joined(" ")
    }

    /// Terms with their descriptions; those without one are left out.
    func terms(_ pairs: [(String, HTML?)]) -> HTML {
        let items = pairs.compactMap { name, value -> HTML? in
            value.map { "<dt>\(name)</dt><dd>\($0)</dd>\n" }
        }
        return "<dl>\n\(items)</dl>\n"
    }

    /// `a section with a heading`.
    func section(_ id: String, _ heading: String, _ content: HTML) -> HTML {
        "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(heading)</h2>\n\(content)</section>\n"
    }

    /// `97.3 %`.
    static func permille(_ value: Int) -> String { "\(value / 10).\(abs(value % 10)) %" }
}
