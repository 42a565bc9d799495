// Who signed two things of which there may be only one, with both, for ever.

internal import Pages
internal import WireFormat

struct EvidencePage {
    let report: HealthReport
    let parts: PageParts

    var html: String {
        let words: HTML = """
            <p>An authority makes at most one vote, one proposal and one signature in a slot. Who makes two tells different \
            things to different people, because of a fault or on purpose. Each pair below carries that authority's own \
            signatures: anybody can check it, and nobody else can have made it.</p>

            """
        return parts.page("Evidence of double signing", current: parts.evidence, words + Self.list(report, parts))
    }

    static func list(_ report: HealthReport, _ parts: PageParts) -> HTML {
        guard !report.evidence.isEmpty else { return "<p>None.</p>\n" }
        var table = PageTable(
            "Pairs of documents of one authority for one slot",
            columns: ["Authority", "Slot", "Kind", "Digests of the two", "Both, signed", "Its votes"])
        for found in report.evidence {
            let excluded: HTML =
                found.excludedUntil.map { until in
                    until >= (report.slots.first?.slot ?? 0)
                        ? "<span class=\"bad\">dropped until slot \(until)</span>" : "dropped until slot \(until), over"
                } ?? "count"
            table.add([
                "\(found.authority)", "\(found.slot)<br>\(HTML.when(report.start(of: found.slot)))", "\(found.kind)",
                "<code>\(String(found.first.hex.prefix(16)))</code><br><code>\(String(found.second.hex.prefix(16)))</code>",
                found.digest.map { parts.document($0) } ?? "-", excluded,
            ])
        }
        return table.html
    }
}
