// Pieces that the pages of every program have.

public import WireFormat

extension HTML {
    /// A section with a heading of its own; `id` is one word of letters.
    public static func section(_ id: String, _ heading: String, _ content: HTML) -> HTML {
        "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(heading)</h2>\n\(content)</section>\n"
    }

    /// Terms with their descriptions; those without one are left out.
    public static func terms(_ pairs: [(String, HTML?)]) -> HTML {
        let items = pairs.compactMap { name, value -> HTML? in
            value.map { "<dt>\(name)</dt><dd>\($0)</dd>\n" }
        }
        return "<dl>\n\(items)</dl>\n"
    }

    /// A moment.
    public static func when(_ time: Timestamp) -> HTML {
        "<time class=\"when\" datetime=\"\(time.description)\">\(PageText.time(time))</time>"
    }

    /// A moment, and how far it is from `now`.
    public static func moment(_ time: Timestamp, from now: Timestamp) -> HTML {
        "\(when(time)) <span class=\"soft\">(\(PageText.relative(time, to: now)))</span>"
    }

    /// What the page says first: how things stand, in a box, with what to know or to do about it.
    /// - Parameter mark: a class of the style sheet: `well`, `attend` or `urgent`.
    public static func state(_ words: String, mark: String, items: [HTML]) -> HTML {
        """
        <section class="state \(mark)" aria-labelledby="state">
        <h2 id="state">\(words)</h2>
        \(items.isEmpty ? "" : "<ul>\n\(items)</ul>\n" as HTML)</section>

        """
    }

    /// A node's flags as words in boxes, those that speak against it marked.
    public static func flags(_ flags: [String]) -> HTML {
        if flags.isEmpty { return "<span class=\"soft\">none</span>" }
        return flags.map { flag -> HTML in
            switch flag {
            case "Bad": "<span class=\"flag bad\">Bad</span>"
            case "Unreliable": "<span class=\"flag look\">Unreliable</span>"
            default: "<span class=\"flag\">\(HTML.foreign(flag, most: 32))</span>"
            }
        }.joined(" ")
    }
}
