// Counters of a program's events, and its health. Names and kinds come from our own enums and words; nothing that a peer sends
// can make a new one.

internal import Synchronization

/// Counts events by name and kind, and holds what is wrong.
public final class EventCounters: Sendable {
    public let registry: Counters
    /// What is wrong, for /health.
    public let health = Health()
    private let prefix: String
    private let known = Mutex<[String: Count]>([:])

    /// - Parameter prefix: of all series, such as `authority`; nil for none.
    public init(_ prefix: String?, _ registry: Counters = Counters()) {
        self.prefix = prefix.map { $0 + "_" } ?? ""
        self.registry = registry
    }

    /// Counts one more event; the series is `PREFIX_NAME_total`, or `PREFIX_NAME_KIND_total` for events of several kinds.
    public func count(_ name: String, kind: String? = nil, by amount: Int = 1) {
        let series = series(name, kind)
        let count = known.withLock { known in
            if let count = known[series] { return count }
            let count = registry.count(series, help: "Events of this kind since the start.")
            known[series] = count
            return count
        }
        count.increment(by: amount)
    }

    /// How many there were.
    public func current(_ name: String, kind: String? = nil) -> Int64 {
        known.withLock { $0[series(name, kind)]?.current ?? 0 }
    }

    /// `documents_refused`, `slot-closed` -> `authority_documents_refused_slot_closed_total`.
    private func series(_ name: String, _ kind: String?) -> String {
        var text = "\(prefix)\(name)"
        for character in kind.map({ "_\($0)" }) ?? "" {
            if character.isUppercase { text += "_" }
            text += character.isASCII && (character.isLetter || character.isNumber) ? character.lowercased() : "_"
        }
        return text + "_total"
    }
}
