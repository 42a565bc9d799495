// `nightjar nodes --links`.

internal import Daemon
internal import Directory
internal import WireFormat

/// A link that carries nothing, as JSON.
private struct BrokenLinkReport: Encodable {
    /// A node at its end; the nickname is left out if the consensus does not list it.
    struct End: Encodable {
        var nickname: String?
        var id: String

        init(_ id: NodeID, in network: Network) {
            nickname = network.standing(of: id)?.nickname.text
            self.id = id.hex
        }

        var cells: [String] { [nickname ?? "-", String(id.prefix(8))] }
    }

    var from: End
    var to: End
}

extension Client {
    /// Shows the links between nodes on which packets get lost at present, so that no path crosses them.
    public func listBrokenLinks(network name: String?, json: Bool) throws {
        let network = try network(name)
        let links = (network.consensus?.consensus.brokenLinks ?? []).map { link in
            BrokenLinkReport(
                from: BrokenLinkReport.End(link.from, in: network), to: BrokenLinkReport.End(link.to, in: network))
        }.sorted { ($0.from.nickname ?? "", $0.to.nickname ?? "") < ($1.from.nickname ?? "", $1.to.nickname ?? "") }
        if json {
            try terminal.print(JSONText.encode(links))
            return
        }
        guard !links.isEmpty else {
            note("no link of the network \(network.name) is known to be broken")
            return
        }
        var table = TextTable(["FROM", "ID", "TO", "ID"])
        for link in links { table.add(link.from.cells + link.to.cells) }
        for line in table.lines { try terminal.print(Printable.line(line)) }
    }
}
