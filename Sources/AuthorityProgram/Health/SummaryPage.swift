// The first page: what is wrong, the consensus, the last slots, the authorities, and where they disagree.

internal import Pages
internal import WireFormat

struct SummaryPage {
    let report: HealthReport
    let parts: PageParts
    /// Slots that the table shows before it has to be opened.
    static let openSlots = 12

    var html: String {
        var content = SummaryPage.state(report)
        content += HTML.section("consensus", "Consensus", consensus)
        content += HTML.section("slots", "Slots", slots)
        content += HTML.section("authorities", "Authorities", authorities)
        content += HTML.section("disagreements", "Disagreements", disagreements)
        content += HTML.section("evidence", "Evidence of double signing", EvidencePage.list(report, parts))
        content += HTML.section("nodes", "Nodes", nodes)
        content += HTML.section(
            "measurement", "Measurement", MeasurementTables(report: report, parts: parts).summary)
        content += HTML.section("self", "This authority", own)
        return parts.page("Directory health", current: parts.summary, content)
    }

    // MARK: - What is wrong

    static func state(_ report: HealthReport) -> HTML {
        let words =
            switch report.state {
            case .well: report.consensus == nil ? "Starting: there is no consensus yet." : "All is well."
            case .attend: "Somebody should look into something."
            case .urgent: "Something is wrong and needs somebody now."
            }
        let items = report.warnings.map { warning -> HTML in
            let level =
                switch warning.level {
                case .urgent: "Now:"
                case .attend: "Soon:"
                case .note: "Note:"
                }
            let advice: HTML =
                warning.advice.isEmpty ? "" : "<br><span class=\"soft\">\(withCommands(warning.advice))</span>"
            return """
                <li><span class="level \(warning.level.rawValue)">\(level)</span> \(withCommands(warning.text))\(advice)</li>

                """
        }
        return HTML.state(words, mark: report.state.rawValue, items: items)
    }

    /// Text in which commands stand between backticks.
    private static func withCommands(_ text: String) -> HTML {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, piece -> HTML in
            index.isMultiple(of: 2) ? "\(String(piece))" : "<code>\(String(piece))</code>"
        }.joined()
    }

    // MARK: - The consensus

    private var consensus: HTML {
        guard let consensus = report.consensus else { return "<p>None has been certified yet.</p>\n" }
        let age: HTML =
            switch consensus.age {
            case .fresh: "<span class=\"good\">fresh</span>"
            case .old: "<span class=\"look\">old</span>: clients use it with a warning"
            case .expired: "<span class=\"bad\">expired</span>: clients refuse it"
            }
        let missing = report.authorities.map(\.name).filter { !consensus.signers.contains($0) }
        let notSigned: HTML = missing.isEmpty ? "" : "; not \(PageText.list(missing))"
        return HTML.terms([
            ("Height (slot)", "<a href=\"\(parts.top)consensuses/\(consensus.height)\">\(consensus.height)</a>"),
            ("State", age),
            (
                "Signed by",
                """
                \(consensus.signers.count) of \(report.authorities.count), \(report.network.quorum) needed: \
                \(PageText.list(consensus.signers))\(notSigned)
                """
            ),
            ("Published", parts.moment(consensus.published)),
            ("Fresh until", parts.moment(consensus.freshUntil)),
            ("Valid until", parts.moment(consensus.validUntil)),
            ("Digest", "<code>\(consensus.digest.hex)</code>"),
        ])
    }

    // MARK: - Slots

    private var slots: HTML {
        guard !report.slots.isEmpty else { return "<p>No slot has been seen yet.</p>\n" }
        let finished = report.slots.filter { $0.state == .certified || $0.state == .failed }
        let certified = finished.count { $0.state == .certified }
        let late = finished.count { $0.state == .certified && $0.late }
        let lateWords: HTML = late == 0 ? "" : ", \(late) of them late"
        var content: HTML = """
            <p>A slot is \(PageText.length(.milliseconds(report.network.slotMilliseconds))). Of the last \(finished.count) \
            that are over, \(certified) made a consensus\(lateWords). The next begins at \
            \(PageText.clock(report.start(of: (report.slots.first?.slot ?? 0) + 1))).</p>

            """
        content += SlotChart(report: report).html
        content += table("The newest slots", report.slots.prefix(Self.openSlots))
        let earlier = report.slots.dropFirst(Self.openSlots)
        if !earlier.isEmpty {
            content += """
                <details><summary>\(earlier.count) earlier \(earlier.count == 1 ? "slot" : "slots")</summary>
                \(table("Earlier slots", earlier))</details>

                """
        }
        return content
    }

    private func table(_ caption: HTML, _ slots: some Sequence<HealthReport.SlotInfo>) -> HTML {
        var table = PageTable(caption, columns: ["Slot", "Begins", "Outcome", "Leader", "Votes", "Signatures"])
        for slot in slots {
            let isOver = slot.state == .certified || slot.state == .failed
            let proposal: HTML =
                slot.proposal.map { ", \(parts.document($0))" }
                ?? (isOver ? ", <span class=\"look\">no proposal</span>" : "")
            table.add(
                [
                    "\(slot.slot)", HTML.when(slot.start), outcome(slot), "\(slot.leader)\(proposal)",
                    tally(slot, slot.votes, "votes"),
                    tally(slot, slot.signatures, "signatures") + otherSignatures(slot),
                ], mark: slot.equivocators.isEmpty ? "" : "strange")
        }
        return table.html
    }

    private func outcome(_ slot: HealthReport.SlotInfo) -> HTML {
        var words: HTML =
            switch slot.state {
            case .certified:
                """
                <span class="good">certified</span>\(slot.late ? " late" : "") \
                <a href="\(parts.top)consensuses/\(slot.slot)"><code>\(String((slot.consensus?.hex ?? "").prefix(8)))</code></a>
                """
            case .failed: "<span class=\"bad\">no consensus</span>: \(slot.reason ?? "")"
            case .underWay: "under way"
            case .unknown: "not known here"
            }
        for name in slot.equivocators { words += "<br><span class=\"bad\">\(name) signed twice</span>" }
        return words
    }

    /// `3 of 4, not delta`, as a link to the list of all with their digests.
    private func tally(_ slot: HealthReport.SlotInfo, _ done: [String: Digest], _ path: String) -> HTML {
        let names = report.authorities.map(\.name)
        let missing = names.filter { done[$0] == nil }
        if done.isEmpty { return slot.state == .unknown ? "-" : "none" }
        let words: HTML =
            "<a href=\"\(parts.top)\(path)/\(slot.slot)\">\(names.count - missing.count) of \(names.count)</a>"
        return missing.isEmpty || slot.state == .underWay ? words : "\(words), not \(PageText.list(missing))"
    }

    private func otherSignatures(_ slot: HealthReport.SlotInfo) -> HTML {
        let others = slot.signatures.filter { $0.value != slot.agreed }.sorted { $0.key < $1.key }
        return others.map { name, digest -> HTML in
            "<br><span class=\"bad\">\(name) signed <code>\(String(digest.hex.prefix(8)))</code></span>"
        }.joined()
    }

    // MARK: - Authorities

    private var authorities: HTML {
        let finished = report.slots.filter { $0.state == .certified || $0.state == .failed }
        let tolerance = HealthWarnings.clockTolerance(report)
        var table = PageTable(
            "Each authority's share in the last \(finished.count) slots that are over",
            columns: ["Name", "Votes", "Signatures", "Clock", "Certified until", "Address"])
        for authority in report.authorities {
            let name = authority.name
            let isOwn = name == report.authority
            let votes = finished.count { $0.votes[name] != nil }
            let signatures = finished.count { $0.signatures[name] != nil }
            let clock: HTML =
                if isOwn {
                    "<span class=\"soft\">this machine's</span>"
                } else if let difference = authority.clockMilliseconds {
                    "<span class=\"\(abs(difference) > tolerance ? "look" : "")\">\(Self.clock(difference))</span>"
                } else {
                    "<span class=\"soft\">not known</span>"
                }
            let certificate: HTML =
                authority.certifiedUntil.map { until in
                    until - report.time < HealthWarnings.certificateNotice
                        ? "<span class=\"look\">\(parts.moment(until))</span>" : parts.moment(until)
                } ?? "<span class=\"soft\">no certificate seen</span>"
            let addresses = authority.urls.map { url -> HTML in
                url.hasPrefix("https://") || url.hasPrefix("http://")
                    ? "<a href=\"\(url)\" rel=\"noreferrer\">\(url)</a>" : "\(url)"
            }.joined("<br>")
            table.add([
                "\(name)\(isOwn ? " (this one)" : "")",
                share(votes, of: finished.count, last: authority.lastVote),
                share(signatures, of: finished.count, last: authority.lastSignature),
                clock, certificate, addresses,
            ])
        }
        return table.html
    }

    private func share(_ count: Int, of total: Int, last: UInt64?) -> HTML {
        guard total > 0 else { return "-" }
        let words: HTML = "\(count) of \(total)"
        guard let last, let newest = report.slots.first(where: { $0.state != .underWay }), last < newest.slot else {
            return words
        }
        return "\(words)<br><span class=\"look\">last in \(last)</span>"
    }

    /// `1.2 s ahead`; a second or less is right.
    private static func clock(_ milliseconds: Int64) -> String {
        if abs(milliseconds) <= 1000 { return "right" }
        return "\(PageText.length(.milliseconds(abs(milliseconds)))) \(milliseconds > 0 ? "ahead" : "behind")"
    }

    // MARK: - Disagreements, nodes, this authority

    private var disagreements: HTML { DisagreementTables(report: report, parts: parts).html }

    private var nodes: HTML {
        let listed = report.nodes.filter(\.isListed)
        let flags = Dictionary(grouping: listed.flatMap(\.flags)) { $0 }.mapValues(\.count)
        var table = PageTable("Nodes in the newest consensus", columns: ["Kind", "Nodes"])
        table.isNarrow = true
        table.add(["all", "\(listed.count)"])
        for (flag, count) in flags.sorted(by: { $0.key < $1.key }) {
            table.add([HTML.foreign(flag, most: 32), "\(count)"])
        }
        let others = report.nodes.count - listed.count
        if others > 0 { table.add(["known here and not listed", "\(others)"]) }
        return table.html + "<p><a href=\"\(parts.nodes)\">All nodes with flags and measurements</a></p>\n"
    }

    private var own: HTML {
        HTML.terms([
            ("Program", "\(report.software)"),
            ("Running since", parts.moment(report.started)),
            (
                "Network file",
                """
                <a href="\(parts.top)network">version \(report.network.version)</a>, \
                <code>\(String(report.network.digest.hex.prefix(16)))</code>
                """
            ),
            (
                "Authorities",
                """
                \(report.authorities.count); \(report.network.quorum) must sign, \(report.network.faults) may fail in any way
                """
            ),
            (
                "Disk",
                report.disk.map {
                    "\(PageText.bytes($0.used)) used, \(PageText.bytes($0.free)) of \(PageText.bytes($0.size)) free"
                }
            ),
        ])
    }
}
