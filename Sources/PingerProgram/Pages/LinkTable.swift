internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

/// Links in rows.
struct LinkTable {
    let pages: PingerPages
    let top: String

    func html(_ caption: HTML, _ links: [NodeLink]) -> HTML {
        var table = PageTable(caption, columns: ["From", "To", "Arrived", "Lost", "Passes on", "State"])
        for link in links {
            guard let result = pages.facts.analysis.links[link] else { continue }
            table.add([
                pages.node(link.from, top: top), pages.node(link.to, top: top),
                "<span class=\"num\">\(Coarse.linkRange(result.arrived))</span>",
                "<span class=\"num\">\(Coarse.linkRange(result.lost))</span>", estimate(result), state(link, result),
            ])
        }
        return table.html
    }

    private func estimate(_ result: LinkResult) -> HTML {
        guard MeasuredText.sufficient(result.estimate, minimum: pages.facts.minimumSamples) != nil,
            let coarse = Coarse.link(result).estimate
        else {
            return "<span class=\"soft\">too few probes to say</span>"
        }
        return "<span class=\"num\">\(Band(coarse).text)</span>"
    }

    private func state(_ link: NodeLink, _ result: LinkResult) -> HTML {
        let agreed = pages.facts.agreedBroken.contains(link)
        switch (result.isBroken, agreed) {
        case (true, true): return "<span class=\"bad\">broken</span>, and the consensus says so"
        case (true, false): return "<span class=\"bad\">broken</span>, as this pinger sees it"
        case (false, true): return "<span class=\"look\">broken by the consensus</span>, not by this pinger"
        case (false, false): return "works"
        }
    }
}
