// The pingers of this authority, the reports on which votes rest, and what was found of a node.

internal import Pages
internal import WireFormat

struct MeasurementTables {
    let report: HealthReport
    let parts: PageParts

    /// The section of the first page.
    var summary: HTML {
        var content: HTML = ""
        if report.pingers.isEmpty {
            content += "<p>This authority names no pingers, so it votes no measurements.</p>\n"
        } else {
            var table = PageTable(
                "Pingers that this authority believes",
                columns: ["Pinger", "Newest report", "Measured nodes", "Broken links", "Key"])
            for pinger in report.pingers {
                let newest: HTML =
                    if let digest = pinger.report, let published = pinger.published {
                        "\(parts.document(digest)), \(PageText.relative(published, to: report.time))"
                    } else {
                        "<span class=\"soft\">none yet</span>"
                    }
                table.add([
                    "\(pinger.name)", pinger.isSilent ? "\(newest) <span class=\"look\">silent</span>" : newest,
                    "\(pinger.measuredNodes)", "\(pinger.brokenLinks)",
                    "<code>\(String(pinger.key.hex.prefix(16)))</code>",
                ])
            }
            content += table.html
        }
        guard !report.reports.isEmpty else { return content }
        var table = PageTable(
            "Reports on which the newest votes rest", columns: ["Report", "Pinger", "Made", "Named by"])
        for found in report.reports {
            table.add([
                parts.document(found.digest),
                found.pinger.map { HTML.foreign($0, most: 32) } ?? "<span class=\"soft\">not here</span>",
                found.published.map { "\(PageText.relative($0, to: report.time))" } ?? "-",
                "\(PageText.list(found.authorities))",
            ])
        }
        return content + table.html
    }

    /// What the consensus says of a node, in whole points, and what this authority's pingers know it by.
    static func measured(_ node: HealthReport.NodeInfo) -> HTML {
        guard let reliability = node.reliability else { return "<span class=\"soft\">not yet</span>" }
        let points: HTML =
            reliability < 900
            ? "<span class=\"look\">\(PageParts.points(reliability))</span>" : "\(PageParts.points(reliability))"
        let latency: HTML? = node.latencyMilliseconds.map { milliseconds in
            let words: HTML = "+\(PageText.length(.milliseconds(milliseconds)))"
            return milliseconds > 3_600_000 ? "<span class=\"look\">\(words)</span>" : words
        }
        let band: HTML? = node.band.map { band in
            """
            <span class="soft">here \(PageParts.points(band.low)) to \(PageParts.points(band.high)), \(band.samples) \
            probes</span>
            """
        }
        return [[points, latency].compactMap { $0 }.joined(", "), band].compactMap { $0 }.joined("<br>")
    }

    /// What each pinger found of a node; nil if none did.
    func findings(_ node: HealthReport.NodeInfo) -> HTML? {
        guard !node.findings.isEmpty else { return nil }
        var table = PageTable(
            "By each of this authority's pingers",
            columns: [
                "Pinger", "Passes on", "Probes", "Adds", "Within 10 min, 1 h, 6 h, 24 h", "Connections",
                "Twice or changed", "Report",
            ])
        let none: HTML = "<span class=\"soft\">-</span>"
        for finding in node.findings {
            let passes: HTML? = finding.reliability.map { value in
                "\(PageParts.points(value)) (\(PageParts.points(finding.low ?? value)) to \(PageParts.points(finding.high ?? value)))"
            }
            let few: HTML =
                finding.counts || finding.reliability == nil ? "" : "<br><span class=\"soft\">too few to count</span>"
            let source = report.pingers.first { $0.name == finding.pinger }
            let made: HTML? = source?.report.map { digest in
                """
                \(parts.document(digest)), \
                \(source?.published.map { PageText.relative($0, to: report.time) } ?? "")
                """
            }
            table.add([
                "\(finding.pinger)", passes ?? "<span class=\"soft\">not measured</span>",
                (finding.samples.map { "\($0)" } ?? none) + few,
                finding.latencyMilliseconds.map { "\(PageText.length(.milliseconds($0)))" } ?? none,
                finding.within.map { $0.map { "\(PageParts.points($0))" as HTML }.joined(", ") } ?? none,
                finding.handshakes.map { "\(PageParts.points($0))" } ?? none,
                finding.duplicates + finding.damaged > 0
                    ? "<span class=\"look\">\(finding.duplicates), \(finding.damaged)</span>" : none, made ?? none,
            ])
        }
        return table.html
    }

    /// The links from and to a node that are marked; nil if none is.
    func brokenLinks(_ node: HealthReport.NodeInfo) -> HTML? {
        func names(_ ids: [NodeID]) -> HTML {
            ids.map { id in
                report.nodes.first { $0.id == id }.map { parts.node(id, $0.nickname) }
                    ?? "<code>\(String(id.hex.prefix(16)))</code>"
            }.joined(", ")
        }
        var lines: [HTML] = []
        if !node.brokenTo.isEmpty { lines.append("<span class=\"look\">to</span> \(names(node.brokenTo))") }
        if !node.brokenFrom.isEmpty { lines.append("<span class=\"look\">from</span> \(names(node.brokenFrom))") }
        return lines.isEmpty ? nil : lines.joined("<br>")
    }
}
