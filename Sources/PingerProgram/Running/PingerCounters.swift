// A pinger's metrics. Names and kinds come from our own enums and words; nothing that a peer sends can make a new one.

internal import Daemon
internal import Synchronization

/// Counts events by name and kind, and holds what is wrong.
final class PingerCounters: Sendable {
    let registry: Counters
    /// What is wrong, for /health.
    let health = Health()
    private let known = Mutex<[String: Count]>([:])

    init(_ registry: Counters = Counters()) { self.registry = registry }

    /// Counts one more event; the series is `pinger_NAME_total`, or `pinger_NAME_KIND_total` for events of several kinds.
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

    /// How many there were.
    func current(_ name: String, kind: String? = nil) -> Int64 {
        known.withLock { $0[Self.series(name, kind)]?.current ?? 0 }
    }

    /// `probes`, `not-sent` -> `pinger_probes_not_sent_total`.
    private static func series(_ name: String, _ kind: String?) -> String {
        var text = "pinger_\(name)"
        for character in kind.map({ "_\($0)" }) ?? "" {
            if character.isUppercase { text += "_" }
            text += character.isASCII && (character.isLetter || character.isNumber) ? character.lowercased() : "_"
        }
        return text + "_total"
    }
}
