// The first page: how the pinger is, what it measured, all nodes, broken links, how to read it, files.

internal import Directory
internal import Measurement
internal import Pages
internal import WireFormat

struct IndexPage {
    let pages: PingerPages
    private var facts: PingerFacts { pages.facts }
    /// Most nodes in the table; the files have all.
    static let mostNodes = 1000
    /// Most broken links in the table.
    static let mostLinks = 100

    var html: String {
        var content = pages.state
        content += HTML.section("nodes", "Nodes", nodes)
        content += HTML.section("broken", "Broken links", broken)
        content += HTML.section("measured", "What is measured", measured)
        content += HTML.section("reading", "How to read this", reading)
        content += HTML.section("files", "The same for programs", files)
        return pages.page("Measurements", current: PingerPages.index, content)
    }

    // MARK: - Nodes

    private var nodes: HTML {
        let all = facts.nodes
        let listed = all.filter { facts.flags[$0] != nil }.prefix(Self.mostNodes)
        let others = all.filter { facts.flags[$0] == nil }
        guard !all.isEmpty else { return "<p>No node is known yet.</p>\n" }
        var content: HTML = ""
        if listed.isEmpty {
            content += "<p>The consensus lists none at present.</p>\n"
        } else {
            content += table("Nodes in the newest consensus", Array(listed))
        }
        if !others.isEmpty {
            content += """
                <details><summary>\(others.count) \(others.count == 1 ? "node" : "nodes") not listed now</summary>
                \(table("Nodes not in the newest consensus, by their last results", Array(others.prefix(Self.mostNodes))))\
                </details>

                """
        }
        return content
    }

    private func table(_ caption: HTML, _ ids: [NodeID]) -> HTML {
        var table = PageTable(
            caption,
            columns: [
                "Node", "Reliability", "Added delay", "In 10 min", "In 1 h", "In 6 h", "In 24 h", "Handshakes", "Mail",
                "Flags",
            ])
        table.style = "nodes"
        for id in ids { table.add([pages.node(id)] + cells(id)) }
        return table.html
    }

    private func cells(_ id: NodeID) -> [HTML] {
        let result = facts.analysis.nodes[id] ?? NodeResult()
        let relay = MeasuredText.sufficient(result.relay, minimum: facts.minimumSamples)
        let bar: HTML = relay.map { IntervalBar.html($0) } ?? ""
        let reliability: HTML = "\(bar)\(MeasuredText.estimate(relay, minimum: facts.minimumSamples))"
        let unknown: HTML = "<span class=\"soft\">-</span>"
        let within = [\ArrivalShares.tenMinutes, \.hour, \.sixHours, \.day].map { part -> HTML in
            guard let arrivals = result.arrivals, arrivals.samples >= facts.minimumSamples else { return unknown }
            return "<span class=\"num\">\(MeasuredText.percent(arrivals[keyPath: part]))</span>"
        }
        let latency =
            (relay == nil ? nil : result.addedLatency).map { latency -> HTML in
                "<span class=\"num\">\(MeasuredText.latency(latency))</span>"
            }
            ?? unknown
        let isExit = facts.flags[id]?.contains(.exit) ?? false
        let mail: HTML =
            result.deliveries.total > 0
            ? MeasuredText.share(result.deliveries) : isExit ? "<span class=\"soft\">untested</span>" : unknown
        let flags: HTML =
            facts.flags[id].map { HTML.flags($0.sorted().map(\.rawValue)) } ?? "<span class=\"soft\">not listed</span>"
        return [reliability, latency] + within + [MeasuredText.share(result.handshakes), mail, flags]
    }

    // MARK: - Links

    private var broken: HTML {
        let links = facts.analysis.brokenLinks
        let both: HTML = "<a href=\"\(PingerPages.links)\">All links as a matrix</a>"
        guard !links.isEmpty else { return "<p>None was found. \(both).</p>\n" }
        var content = LinkTable(pages: pages, top: "").html(
            "Links that carry next to nothing while both their nodes work", Array(links.prefix(Self.mostLinks)))
        if links.count > Self.mostLinks { content += "<p>\(links.count - Self.mostLinks) more are in links.csv.</p>\n" }
        return content + "<p>\(both).</p>\n"
    }

    // MARK: - Probes

    private var measured: HTML {
        let analysis = facts.analysis
        guard let first = analysis.first, let last = analysis.last else {
            return "<p>No probe has been sent yet, so nothing is known of any node.</p>\n"
        }
        let total = analysis.counts.values.reduce(0) { $0 + $1.total }
        var content: HTML = """
            <p>\(MeasuredText.probes(total)) from \(HTML.when(first)) to \(HTML.when(last)). Each is an ordinary packet on a \
            way of its own through three to five nodes, back to a mailbox of the pinger's or, for mail, to a test address.</p>

            """
        if let arrivals = analysis.arrivals, arrivals.samples >= facts.minimumSamples {
            content += """
                <p>Of all \(MeasuredText.count(arrivals.samples)) loops and replies \(MeasuredText.percent(arrivals.tenMinutes)) \
                came back within 10 minutes, \(MeasuredText.percent(arrivals.hour)) within an hour, \
                \(MeasuredText.percent(arrivals.sixHours)) within 6 hours, \(MeasuredText.percent(arrivals.day)) within a day.</p>

                """
        }
        var table = PageTable(
            "What became of the probes", columns: ["Probes", "Arrived", "Lost", "Under way", "Void", "What they are"])
        let words: [(ProbeKind, HTML, HTML)] = [
            (.loop, "Loops", "messages to the pinger itself"), (.reply, "Replies", "answers through a reply block"),
            (.ahead, "Next keys", "loops with the keys of the next period"), (.delivery, "Mail", "through an exit"),
        ]
        for (kind, name, what) in words {
            let counts = analysis.counts[kind] ?? OutcomeCounts()
            table.add(
                [name]
                    + [counts.arrived, counts.lost, counts.pending, counts.void].map {
                        "<span class=\"num\">\(MeasuredText.count($0))</span>"
                    } + [what])
        }
        return content + table.html
    }

    // MARK: - Explanations

    private var reading: HTML {
        let minimum = facts.minimumSamples
        let words = HTML.terms([
            (
                "Reliability",
                """
                Which part of the packets that it could not tell from others a node passed on: an interval that holds the \
                truth 19 times in 20, and the number of probes that it rests on. The bar goes from 50 % to 100 %, with marks \
                at 75 % and 90 %; an arrow at its left end says that the interval goes on below 50 %.
                """
            ),
            (
                "Unmeasured",
                """
                A node that had fewer than \(minimum) probes. That says nothing against it: it may be new, or few ways \
                may lead through it yet.
                """
            ),
            ("Added delay", "How much later packets leave a node than they asked for, in the middle: half are faster."),
            (
                "In 10 min ... 24 h",
                """
                Which part of the probes that went through a node were back so soon. That is the whole way with all its \
                delays, which senders choose, so it is about the same for all nodes of a healthy network.
                """
            ),
            ("Handshakes", "Connections to the node that the pinger tried, and how many of them came about."),
            ("Mail", "Test mails through an exit, and how many of them were in the mailbox that they were sent to."),
            (
                "Lost",
                """
                A probe is lost if it is not back after \(PageText.length(facts.deadline)). One that is under way longer than \
                most counts in part. It is void if the pinger was off, cut off or had a wrong clock meanwhile: then it counts \
                only as not yet back when it was last looked for.
                """
            ),
            (
                "Age",
                """
                A probe counts half after \(PageText.length(facts.halfLife)) and not at all after \
                \(PageText.length(facts.window)).
                """
            ),
        ])
        return words + """
            <p>One pinger is one view. The directory's authorities take the middle of several, and only what they agree on \
            (the flags) changes which nodes clients use.</p>

            """
    }

    private var files: HTML {
        var table = PageTable("Files beside this page", columns: ["File", "Contents"])
        table.isNarrow = true
        let all: [(String, HTML)] = [
            ("measurements.json", "everything on these pages, for programs"),
            ("nodes.csv", "the nodes, a line each"), ("links.csv", "the links that were tested, a line each"),
            ("history.csv", "each node's results day by day"),
            ("mlist.txt", "as the pingers of older remailers wrote it; also as <a href=\"mlist2.txt\">mlist2.txt</a>"),
            ("rlist.txt", "the same with addresses; also as <a href=\"rlist2.txt\">rlist2.txt</a>"),
        ]
        for (name, words) in all { table.add(["<a href=\"\(name)\">\(name)</a>", words]) }
        return table.html
    }
}
