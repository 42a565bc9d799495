internal import Pages

/// Where the newest votes are not alike, as tables.
struct DisagreementTables {
    let report: HealthReport
    let parts: PageParts

    var html: HTML {
        let found = report.disagreements
        guard let slot = found.slot else { return "<p>There are not yet two votes of one slot to compare.</p>\n" }
        let voters = "the votes of \(PageText.list(found.voters)) in slot \(slot)"
        guard found.total > 0 else { return "<p>None: \(voters) are alike.</p>\n" }
        var content: HTML = """
            <p>\(found.total) between \(voters). Some are ordinary: what a new node is, or whether it answers, is not \
            seen by all in the same moment. Those that stay need the people who run the authorities to talk.</p>

            """
        if !found.parameters.isEmpty {
            var table = PageTable(
                "Parameters with several values; the low median counts", columns: ["Parameter", "Values"])
            for split in found.parameters {
                let values = split.values.map { "\($0.value): \(PageText.list($0.authorities))" as HTML }.joined("<br>")
                table.add(["<code>\(split.name)</code>", values])
            }
            content += table.html
        }
        if !found.nodes.isEmpty {
            var table = PageTable("Nodes that only some list", columns: ["Node", "Listed by", "Not by"])
            for split in found.nodes { table.add(cells(split)) }
            content += table.html
        }
        if !found.flags.isEmpty {
            var table = PageTable("Flags that only some give", columns: ["Node", "Flag", "Given by", "Not by"])
            for split in found.flags {
                table.add([
                    parts.node(split.node, split.nickname), HTML.flags([split.flag]), "\(PageText.list(split.with))",
                    "\(PageText.list(split.without))",
                ])
            }
            content += table.html
        }
        if !found.descriptors.isEmpty {
            var table = PageTable(
                "Nodes of which not all have the same descriptor", columns: ["Node", "One by", "Another by"])
            for split in found.descriptors { table.add(cells(split)) }
            content += table.html
        }
        let shown = found.parameters.count + found.nodes.count + found.flags.count + found.descriptors.count
        if shown < found.total { content += "<p>\(found.total - shown) more are not shown.</p>\n" }
        return content
    }

    private func cells(_ split: HealthReport.NodeSplit) -> [HTML] {
        [parts.node(split.node, split.nickname), "\(PageText.list(split.with))", "\(PageText.list(split.without))"]
    }
}
