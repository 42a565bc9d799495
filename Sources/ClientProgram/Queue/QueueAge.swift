internal import Mixing
internal import Spool
internal import WireFormat

/// Packets that have waited for longer than the settings like. Pure.
struct QueueAge {
    /// To be thrown away.
    let givenUp: [WaitingPacket]
    /// Words for people: what was given up, and that others have waited for long.
    let lines: [String]

    /// - Parameters:
    ///   - warnAfter: packets that have waited for so long are told; zero: none.
    ///   - deleteAfter: packets that have waited for so long are given up; zero: none.
    init(_ packets: [WaitingPacket], warnAfter: Interval, deleteAfter: Interval, now: Timestamp) {
        func waited(_ interval: Interval) -> (WaitingPacket) -> Bool {
            { interval > .zero && $0.release + interval <= now }
        }
        givenUp = packets.filter(waited(deleteAfter))
        var lines: [String] = []
        if !givenUp.isEmpty {
            lines.append(
                "\(Count.text(givenUp.count, "packet")) had waited for \(deleteAfter.shortText) (delete-after in client.toml) "
                    + "and were given up; send those mails again")
        }
        let old = packets.filter { waited(warnAfter)($0) && !waited(deleteAfter)($0) }
        if let oldest = old.map(\.release).min() {
            lines.append(
                "\(Count.text(old.count, "packet")) \(old.count == 1 ? "has" : "have") waited for \(warnAfter.shortText) or longer, the oldest since "
                    + "\(oldest); see `nightjar queue list`, or try now: nightjar queue flush")
        }
        self.lines = lines
    }
}
