// The nodes: a table of all, and a page of each. Nearly everything here was written by strangers.

internal import Pages
internal import WireFormat

struct NodePages {
    let report: HealthReport
    let parts: PageParts

    /// All nodes.
    var list: String {
        let listed = report.nodes.filter(\.isListed)
        let others = report.nodes.filter { !$0.isListed }
        var content: HTML = "<p>\(listed.count) in the newest consensus.</p>\n"
        if !listed.isEmpty {
            var table = PageTable(
                "Nodes in the newest consensus",
                columns: ["Node", "Flags", "Weight", "Measured", "Since", "Descriptor", "Address", "Software"])
            for node in listed {
                let descriptor: HTML =
                    node.validUntil <= report.time
                    ? "\(parts.document(node.descriptor))<br><span class=\"bad\">expired \(HTML.when(node.validUntil))</span>"
                    : "\(parts.document(node.descriptor))<br>\(PageText.relative(node.published, to: report.time))"
                let problem: HTML =
                    node.problem.map { "<br><span class=\"look\">\(HTML.foreign($0, most: 80))</span>" } ?? ""
                table.add([
                    parts.node(node.id, node.nickname) + (node.isLeaving ? "<br>leaves" : ""),
                    HTML.flags(node.flags) + problem, node.weight.map { "\($0)" } ?? "-", MeasurementTables.measured(node),
                    node.since.map { "<span class=\"when\">\(String(PageText.time($0).prefix(10)))</span>" } ?? "-",
                    descriptor,
                    node.addresses.map { HTML.foreign($0, most: 80) }.joined("<br>"),
                    HTML.foreign(node.software, most: 60),
                ])
            }
            content += table.html
        }
        if !others.isEmpty {
            var table = PageTable(
                "Nodes known here and not listed", columns: ["Node", "Why", "Descriptor", "Address", "Software"])
            for node in others {
                table.add([
                    parts.node(node.id, node.nickname), HTML.foreign(node.problem ?? "not in the newest consensus yet"),
                    "\(parts.document(node.descriptor))<br>\(PageText.relative(node.published, to: report.time))",
                    node.addresses.map { HTML.foreign($0, most: 80) }.joined("<br>"),
                    HTML.foreign(node.software, most: 60),
                ])
            }
            content += table.html
        }
        return parts.page("Nodes", current: parts.nodes, content)
    }

    /// One node; nil if it is not known.
    func page(of id: NodeID) -> String? {
        guard let node = report.nodes.first(where: { $0.id == id }) else { return nil }
        let family = node.family.map { member -> HTML in
            report.nodes.first { $0.id == member }.map { parts.node(member, $0.nickname) }
                ?? "<code>\(String(member.hex.prefix(16)))</code>"
        }.joined("<br>")
        let none: HTML = "<span class=\"soft\">none</span>"
        let tables = MeasurementTables(report: report, parts: parts)
        var content = HTML.terms([
            ("Id", "<code>\(node.id.hex)</code>"),
            ("Listed", node.isListed ? "in the newest consensus" : "no"),
            ("Problem", node.problem.map { HTML.foreign($0) }),
            ("Flags", HTML.flags(node.flags)),
            ("Weight", node.weight.map { "\($0) of 100" }),
            ("Measured", MeasurementTables.measured(node)),
            ("Broken links", tables.brokenLinks(node)),
            ("Known since", node.since.map { parts.moment($0) }),
            ("Leaves", node.isLeaving ? "yes, it said so" : nil),
            ("Descriptor", parts.document(node.descriptor)),
            ("Published", parts.moment(node.published)),
            ("Valid until", parts.moment(node.validUntil)),
        ])
        if let findings = tables.findings(node) {
            content += HTML.section("measured", "What pingers found", findings)
        }
        content += HTML.section(
            "says", "What it says of itself",
            HTML.terms([
                ("Nickname", HTML.foreign(node.nickname)),
                ("Addresses", node.addresses.map { HTML.foreign($0) }.joined("<br>")),
                (
                    "Capabilities",
                    node.capabilities.isEmpty
                        ? none : node.capabilities.map { "<code>\(HTML.foreign($0))</code>" as HTML }.joined("<br>")
                ),
                ("Family", node.family.isEmpty ? none : family),
                ("Software", HTML.foreign(node.software)),
                ("Contact", node.contact.isEmpty ? none : HTML.foreign(node.contact)),
            ]))
        let flags = report.disagreements.flags.filter { $0.node == id }
        if !flags.isEmpty {
            var table = PageTable("Flags that only some authorities give it", columns: ["Flag", "Given by", "Not by"])
            for split in flags {
                table.add([
                    HTML.flags([split.flag]), "\(PageText.list(split.with))", "\(PageText.list(split.without))",
                ])
            }
            content += HTML.section("disagreements", "Disagreements", table.html)
        }
        return parts.page("Node \(String(node.nickname.prefix(32)))", content)
    }
}
