// One node: what is known of it, its last month, its links, and what it says of itself (which strangers wrote).

internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

struct NodePage {
    let pages: PingerPages
    let id: NodeID
    /// From this page's place to the summary's.
    private let top = "../"
    /// Most links in its table.
    static let mostLinks = 120

    init(pages: PingerPages, id: NodeID) {
        self.pages = pages
        self.id = id
    }

    private var facts: PingerFacts { pages.facts }
    private var result: NodeResult { facts.analysis.nodes[id] ?? NodeResult() }

    var html: String {
        var content = known
        content += HTML.section("history", "The last \(HistoryChart.days) days", history)
        content += HTML.section("links", "Its links", links)
        if let says = says { content += HTML.section("says", "What it says of itself", says) }
        return pages.page("Node \(String((facts.nicknames[id] ?? "without a name").prefix(32)))", top: top, content)
    }

    // MARK: - What is known

    private var known: HTML {
        let minimum = facts.minimumSamples
        var lead: HTML = ""
        if let silence = facts.silence {
            lead = """
                <p class="look">The pinger cannot judge at present: \(String(silence.prefix(HTML.maximumText))). This is what \
                was known at \(PageText.time(facts.analysis.made)).</p>

                """
        }
        let relay = MeasuredText.sufficient(result.relay, minimum: minimum)
        let bar: HTML = relay.map { IntervalBar.html($0) } ?? ""
        var arrivals: HTML?
        if let shares = result.arrivals, shares.samples >= minimum {
            arrivals = """
                \(MeasuredText.percent(shares.tenMinutes)) were back within 10 minutes, \(MeasuredText.percent(shares.hour)) within an \
                hour, \(MeasuredText.percent(shares.sixHours)) within 6 hours, \(MeasuredText.percent(shares.day)) within a \
                day <span class="soft num">of \(MeasuredText.probes(shares.samples))</span>
                """
        }
        let evidence: HTML? =
            result.duplicates + result.damaged > 0
            ? """
            <span class="look">\(MeasuredText.count(result.duplicates)) came twice, \
            \(MeasuredText.count(result.damaged)) changed</span>, of the probes through it
            """ : nil
        return lead
            + HTML.terms([
                ("Id", "<code>\(id.hex)</code>"),
                (
                    "Flags",
                    facts.flags[id].map { HTML.flags($0.sorted().map(\.rawValue)) }
                        ?? "<span class=\"soft\">not in the newest consensus</span>"
                ),
                ("Reliability", "\(MeasuredText.estimate(relay, minimum: minimum))\(bar)"),
                (
                    "Added delay",
                    (relay == nil ? nil : result.addedLatency).map {
                        "\(MeasuredText.latency($0)) <span class=\"soft\">(median)</span>"
                    }
                        ?? MeasuredText.unmeasured(minimum)
                ),
                ("Probes through it", arrivals ?? MeasuredText.unmeasured(minimum)),
                ("Handshakes", MeasuredText.share(result.handshakes)),
                ("Next keys", MeasuredText.share(result.ahead)),
                (
                    "Mail",
                    facts.flags[id]?.contains(.exit) == true || result.deliveries.total > 0
                        ? MeasuredText.share(result.deliveries) : nil
                ),
                ("Evidence", evidence),
                (
                    "As first or last",
                    """
                    as the first node \(MeasuredText.estimate(result.entry, minimum: minimum)); as the mailbox's node \
                    \(MeasuredText.estimate(result.mailbox, minimum: minimum))<br><span class="soft">There it can tell probes \
                    from other packets, so this is no part of its reliability.</span>
                    """
                ),
            ])
    }

    // MARK: - History

    private var history: HTML {
        let days = facts.history[id] ?? []
        let chart = HistoryChart(days, today: Day.number(facts.made))
        guard !chart.isEmpty else { return "<p>There is no result of a day yet.</p>\n" }
        var table = PageTable(
            "Day by day, newest first",
            columns: [
                "Day", "Reliability", "Probes", "Added delay", "In 10 min", "In 1 h", "In 6 h", "In 24 h", "Handshakes",
            ])
        for day in chart.days.compactMap({ $0 }).reversed() { table.add(row(day)) }
        let begins: HTML =
            chart.floor > 0 ? " The axis begins at \(chart.floor / 10) %, not at nought." : ""
        return """
            <div class="charts">
            <figure aria-labelledby="reliability">
            <figcaption id="reliability"><strong>Reliability</strong>: dot and interval of each day; a small cross is a day \
            without a result.\(begins)</figcaption>
            \(chart.reliability)</figure>
            <figure aria-labelledby="latency">
            <figcaption id="latency"><strong>Added latency</strong>: the median of each day, beyond the delays that packets \
            ask for.</figcaption>
            \(chart.latency)</figure>
            </div>
            <details><summary>The same as a table</summary>
            \(table.html)</details>

            """
    }

    private func row(_ day: DayFacts) -> [HTML] {
        let unknown: HTML = "<span class=\"soft\">-</span>"
        func percent(_ permille: Int?) -> HTML {
            permille.map { "<span class=\"num\">\(MeasuredText.percent(Double($0) / 1000))</span>" } ?? unknown
        }
        let reliability: HTML =
            day.reliability.map { value in
                let (low, high) = (day.low ?? value, day.high ?? value)
                return "<span class=\"num\">\(MeasuredText.interval(Double(low) / 1000, Double(high) / 1000))</span>"
            } ?? "<span class=\"soft\">Unmeasured</span>"
        return [
            "<span class=\"when\">\(Day.text(day.day))</span>", reliability, "\(MeasuredText.count(day.samples))",
            day.latency.map { "<span class=\"num\">\(MeasuredText.latency($0))</span>" } ?? unknown,
            percent(day.tenMinutes), percent(day.hour), percent(day.sixHours), percent(day.wholeDay),
            MeasuredText.share(day.handshakes),
        ]
    }

    // MARK: - Links

    private var links: HTML {
        let results = facts.analysis.links
        let tested = (pages.tested[id] ?? []).compactMap { link in results[link].map { (key: link, value: $0) } }
        guard !tested.isEmpty else { return "<p>None has been tested yet.</p>\n" }
        let sorted = tested.sorted { left, right in
            if left.value.isBroken != right.value.isBroken { return left.value.isBroken }
            let (a, b) = (Coarse.linkCount(left.value.lost), Coarse.linkCount(right.value.lost))
            if a != b { return a > b }
            return left.key < right.key
        }
        let lost = sorted.count { $0.value.lost > 0 }
        let broken = sorted.count { $0.value.isBroken }
        let table = LinkTable(pages: pages, top: top).html(
            "Links from and to this node, those with losses first", sorted.prefix(Self.mostLinks).map(\.key))
        let rest: HTML =
            sorted.count > Self.mostLinks ? "<p>\(sorted.count - Self.mostLinks) more are in links.csv.</p>\n" : ""
        let state = broken == 0 ? "none is broken" : broken == 1 ? "one is broken" : "\(broken) are broken"
        return """
            <p>\(MeasuredText.count(sorted.count)) of its links were tested; \(state), over \(lost) of them a probe was lost.</p>
            <details><summary>Its links as a table</summary>
            \(table)\(rest)</details>

            """
    }

    // MARK: - Its own words

    private var says: HTML? {
        guard let fields = facts.descriptors[id]?.fields else { return nil }
        let none: HTML = "<span class=\"soft\">none</span>"
        let family = fields.family.prefix(Descriptor.maximumFamily).map { member -> HTML in
            facts.nicknames[member] == nil
                ? "<code>\(String(member.hex.prefix(16)))</code>" : pages.node(member, top: top)
        }.joined("<br>")
        return HTML.terms([
            ("Nickname", HTML.foreign(fields.nickname.text)),
            ("Addresses", fields.addresses.map { HTML.foreign("\($0.host) \($0.port)") }.joined("<br>")),
            (
                "Capabilities",
                fields.capabilities.map { "<code>\(HTML.foreign($0.name))</code>" as HTML }.joined(", ")
            ),
            ("Family", fields.family.isEmpty ? none : family),
            ("Software", HTML.foreign(fields.software)),
            ("Contact", fields.contact.isEmpty ? none : HTML.foreign(fields.contact)),
        ])
    }
}
