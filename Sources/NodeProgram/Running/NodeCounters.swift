// The node's metrics. Names and kinds come from our own enums; nothing that a peer sends can make a new one.

internal import Daemon
internal import Directory
internal import Forwarding
internal import MMTP
internal import Mixing
internal import Spool
internal import Synchronization
internal import WireFormat

/// Counts events by name and kind, and shows the books and the sizes of things.
final class NodeCounters: Sendable {
    private let registry: Counters
    /// What is wrong, for /health.
    let health = Health()
    private let known = Mutex<[String: Count]>([:])

    init(_ registry: Counters) { self.registry = registry }

    /// Counts `amount` more events; the series is `NAME_total`, or `NAME_KIND_total` for events of several kinds.
    func count(_ name: String, kind: String? = nil, by amount: Int = 1) {
        let series = Self.series(name, kind)
        let count = known.withLock { known in
            if let count = known[series] { return count }
            let count = registry.count(series, help: "Events of this kind since the start.")
            known[series] = count
            return count
        }
        count.increment(by: amount)
    }

    /// Shows what changes by itself.
    func watch(_ node: Node, cover: CoverTraffic, listener: MMTPListener) {
        let ledger = node.ledger
        let books: [(String, any KeyPath<PacketBalance, Int64> & Sendable)] = [
            ("packets_received", \.received), ("packets_created", \.created), ("packets_forwarded", \.forwarded),
            ("packets_delivered", \.delivered), ("packets_held", \.held), ("packets_held_before", \.heldBefore),
            ("packets_missing", \.missing),
        ]
        for (name, path) in books {
            registry.gauge(
                name,
                help:
                    "Of the packet balance: received + created + held before = forwarded + delivered + dropped + held."
            ) {
                Double(ledger.snapshot[keyPath: path])
            }
        }
        for reason in DropReason.allCases {
            registry.gauge(
                Self.series("packets_dropped", reason.rawValue, ending: ""), help: "Packets dropped for this reason."
            ) {
                Double(ledger.snapshot.dropped[reason] ?? 0)
            }
        }
        let spool = node.spool
        registry.gauge("spool_packets", help: "Packets that wait.") { Double(spool.statistics.packets) }
        registry.gauge("spool_shares", help: "Shares of messages that are not complete.") {
            Double(spool.statistics.shares)
        }
        registry.gauge("spool_deliveries", help: "Deliveries that have not ended.") {
            Double(spool.statistics.deliveries)
        }
        registry.gauge("spool_mailboxes", help: "Mailboxes.") { Double(spool.statistics.mailboxes) }
        registry.gauge("spool_mail_blocks", help: "Blocks in all mailboxes together.") {
            Double(spool.statistics.mailBlocks)
        }
        registry.gauge("spool_live_bytes", help: "Bytes on disk that are needed.") {
            Double(spool.statistics.liveBytes)
        }
        registry.gauge("spool_nearly_full", help: "1 above 80 percent of a limit.") {
            spool.statistics.isNearlyFull ? 1 : 0
        }
        registry.gauge("spool_failed_groups", help: "Transactions that failed.") {
            Double(spool.statistics.failedGroups)
        }
        watchDirectory(node)
        registry.gauge("link_connections", help: "Connections from others.") { Double(listener.connectionCount) }
        registry.gauge("cover_alarm", help: "1 while own loops stay away.") { cover.isAlarm ? 1 : 0 }
        registry.gauge("cover_fraction_back", help: "Share of own loops that came back; -1 before the first.") {
            cover.fractionBack ?? -1
        }
    }

    private func watchDirectory(_ node: Node) {
        let (network, clock, id) = (node.network, node.clock, node.id)
        registry.gauge("directory_age_seconds", help: "Age of the newest consensus; -1 without one.") {
            network.current.consensus.map { (clock.now() - $0.consensus.published).inSeconds } ?? -1
        }
        registry.gauge("directory_height", help: "Slot of the newest consensus; 0 without one.") {
            Double(network.current.height)
        }
        registry.gauge("directory_nodes", help: "Nodes of the newest consensus whose descriptors are here.") {
            Double(network.current.nodes.count)
        }
        registry.gauge("directory_listed", help: "1 if the newest consensus lists this node.") {
            network.current.standing(of: id) == nil ? 0 : 1
        }
    }

    /// `exit_deferred`, `serverRefused` -> `exit_deferred_server_refused_total`.
    static func series(_ name: String, _ kind: String?, ending: String = "_total") -> String {
        var text = name
        if let kind {
            text += "_"
            var last: Character = "_"
            for character in kind {
                if character.isUppercase, last.isLowercase { text += "_" }
                text += character.isLetter || character.isNumber ? character.lowercased() : "_"
                last = character
            }
        }
        return text + ending
    }
}
