/// What is around the content of every page of one program: head, policy, links between the pages, foot.
public struct PageFrame: Sendable {
    /// A link to another page of the same program; relative, so that the pages can lie in any folder.
    public struct Link: Sendable {
        public var path: String
        public var name: String

        public init(_ path: String, _ name: String) {
            self.path = path
            self.name = name
        }
    }

    /// Added to the title in the browser: whose pages these are.
    public var owner: String
    /// What stands below the heading: whose view this is, and of when.
    public var lead: HTML
    /// The pages that one can go to from every page.
    public var links: [Link]
    /// Name and version of the program.
    public var software: String
    public var style: PageStyle

    public init(owner: String, lead: HTML, links: [Link], software: String, style: PageStyle) {
        self.owner = owner
        self.lead = lead
        self.links = links
        self.software = software
        self.style = style
    }

    /// A whole page; `current` is the path of the link that leads to it, if there is one.
    public func page(_ title: String, current: String = "", _ content: HTML) -> String {
        let items = links.map { link -> HTML in
            link.path == current
                ? "<li><a href=\"\(link.path)\" aria-current=\"page\">\(link.name)</a></li>\n"
                : "<li><a href=\"\(link.path)\">\(link.name)</a></li>\n"
        }
        let page: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(style.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <meta name="color-scheme" content="light dark">
            <title>\(title) - \(owner)</title>
            <style>\(HTML(stringLiteral: style.text))</style>
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <h1>\(title)</h1>
            <p>\(lead)</p>
            <nav aria-label="Pages"><ul>
            \(items)</ul></nav>
            </header>
            <main id="content">
            \(content)</main>
            <footer>
            <p>All times are UTC. This page has no scripts and loads nothing. \(software).</p>
            </footer>
            </body>
            </html>

            """
        return page.text
    }
}
