// mlist.txt, rlist.txt, mlist2.txt and rlist2.txt for the tools of older remailers, in the format of the pinger Echolot
// to the byte (doc/PINGER.md, lists of older remailers). Those tools read columns by their position, so every name and
// number has exactly the room that it has there.
//
// A node that is not measured has an empty history (blank, or `?`), the latency 99:59 and the uptime 0, because that is
// how Echolot writes a remailer of which nothing came back, and the formats know nothing else. Uptimes are rounded to
// whole percents: the format's two decimals would promise more than any pinger knows.

internal import Directory
internal import Measurement
internal import WireFormat

struct RemailerLists {
    /// Days of history.
    static let days = 12

    private let facts: PingerFacts
    private let remailers: [Remailer]

    /// A node as these lists have it.
    private struct Remailer {
        var id: NodeID
        /// Percent; nil if it is not measured.
        var uptime: Int?
        var latency: Interval?
        /// Day by day, oldest first.
        var uptimes: [Int?]
        var latencies: [Interval?]
        var nickname: String
        var isExit: Bool
    }

    init(_ facts: PingerFacts) {
        self.facts = facts
        let today = Day.number(facts.made)
        let listed = facts.flags.isEmpty ? facts.nodes : facts.nodes.filter { facts.flags[$0] != nil }
        let remailers = listed.map { id -> Remailer in
            let result = facts.analysis.nodes[id]
            let history = Dictionary(
                (facts.history[id] ?? []).map { ($0.day, $0) }, uniquingKeysWith: { $1 })
            let days = ((today - Self.days + 1)...today).map { history[$0] }
            return Remailer(
                id: id, uptime: result?.relay.map { Coarse.percent($0.value) },
                latency: result?.relay == nil ? nil : result?.addedLatency, uptimes: days.map { $0?.reliability },
                latencies: days.map { $0?.reliability == nil ? nil : $0?.latency }, nickname: facts.label(id),
                isExit: facts.flags[id]?.contains(.exit) ?? facts.descriptors[id]?.can(Capability.Name.smtp) ?? false)
        }
        self.remailers = remailers.sorted { left, right in
            if left.uptime != right.uptime { return (left.uptime ?? -1) > (right.uptime ?? -1) }
            return (left.nickname.lowercased(), left.id) < (right.nickname.lowercased(), right.id)
        }
    }

    // MARK: - The four lists

    var mlist: String {
        let names = names(14)
        var text = blocks(names)
        text += "Last update: \(Day.stamp(facts.made))\n"
        text += "mixmaster           history  latency  uptime\n"
        text += String(repeating: "-", count: 44) + "\n"
        for remailer in remailers where names[remailer.id] != nil {
            text += "\(Self.left(names[remailer.id], 14)) \(Self.tail1(remailer))\n"
        }
        return text
    }

    var rlist: String {
        let names = names(8)
        var text = capabilities(names)
        text += blocks(names)
        text += "\nLast update: \(Day.stamp(facts.made))\n"
        text += "remailer  email address                        history  latency  uptime\n"
        text += String(repeating: "-", count: 71) + "\n"
        for remailer in remailers where names[remailer.id] != nil {
            let address = Self.left(String(address(remailer, names).prefix(32)), 32)
            text += "\(Self.left(names[remailer.id], 8)) \(address) \(Self.tail1(remailer))\n"
        }
        return text
    }

    var mlist2: String { list2("Mixmaster") }
    var rlist2: String { list2("Cypherpunk") }

    private func list2(_ kind: String) -> String {
        let names = names(12)
        var text = "Stats-Version: 2.0\nGenerated: \(Day.stamp(facts.made))\n"
        text += "\(Self.left(kind, 12)) Latent-Hist   Latent  Uptime-Hist   Uptime  Options\n"
        text += String(repeating: "-", count: 72) + "\n"
        for remailer in remailers where names[remailer.id] != nil {
            let latencies = String(remailer.latencies.map(Self.latencyMark2))
            let uptimes = String(remailer.uptimes.map(Self.uptimeMark))
            // D middleman, M type II; the rest of the fifteen columns are features that nodes of ours have not.
            let options = (remailer.isExit ? " " : "D") + " M" + String(repeating: " ", count: 12)
            text += "\(Self.left(names[remailer.id], 12)) \(latencies) "
            text += "\(Self.right(Self.hoursAndMinutes(remailer.latency), 6))   \(uptimes)  "
            text += "\(Self.right("\(remailer.uptime ?? 0).0", 5))%  \(options)\n"
        }
        text += blocks(names)
        return text + "\n\n\nRemailer-Capabilities:\n\n" + capabilities(names)
    }

    // MARK: - What several have

    /// Groups and broken chains. A link is broken for every kind of packet, so both lists of chains say the same.
    private func blocks(_ names: [NodeID: String]) -> String {
        let broken = facts.analysis.brokenLinks.compactMap { link -> String? in
            guard let from = names[link.from], let to = names[link.to] else { return nil }
            return "(\(from) \(to))"
        }.sorted().joined(separator: "\n")
        let groups = families.map { "(\($0.compactMap { names[$0] }.sorted().joined(separator: " ")))" }.sorted()
        return "\nGroups of remailers sharing a machine or operator:\n\(groups.joined(separator: "\n"))\n"
            + "\nBroken type-I remailer chains:\n\(broken)\n\nBroken type-II remailer chains:\n\(broken)\n"
    }

    /// Nodes that name each other as family, in groups of at least two.
    private var families: [[NodeID]] {
        let listed = Set(remailers.map(\.id))
        var groups: [[NodeID]] = []
        var seen: Set<NodeID> = []
        for start in listed.sorted() where seen.insert(start).inserted {
            var group = [start]
            var next = 0
            while next < group.count {
                let id = group[next]
                next += 1
                for member in facts.descriptors[id]?.fields.family ?? []
                where listed.contains(member) && facts.descriptors[member]?.fields.family.contains(id) == true {
                    if seen.insert(member).inserted { group.append(member) }
                }
            }
            if group.count > 1 { groups.append(group) }
        }
        return groups
    }

    private func capabilities(_ names: [NodeID: String]) -> String {
        remailers.compactMap { remailer in
            guard let name = names[remailer.id] else { return nil }
            let words = remailer.isExit ? "mix" : "mix middle"
            return "$remailer{\"\(name)\"} = \"<\(address(remailer, names))> \(words)\";\n"
        }.sorted().joined()
    }

    /// Nodes have no mail address. One that can never exist (RFC 2606) stands in its place.
    private func address(_ remailer: Remailer, _ names: [NodeID: String]) -> String {
        "\((names[remailer.id] ?? "").lowercased())@\(RemailerNames.cleaned(facts.network).lowercased()).invalid"
    }

    private func names(_ width: Int) -> [NodeID: String] {
        RemailerNames.make(remailers.map { ($0.id, $0.nickname) }, width: width)
    }

    /// History, latency and uptime of mlist and rlist.
    private static func tail1(_ remailer: Remailer) -> String {
        let history = String(remailer.latencies.map(latencyMark1))
        let uptime = right("\(remailer.uptime ?? 0).00", 6)
        return "\(history) \(right(hoursMinutesSeconds(remailer.latency), 8)) \(uptime)%"
    }
}

// MARK: - Columns

extension RemailerLists {
    static func left(_ text: String?, _ width: Int) -> String {
        let text = text ?? ""
        return text + String(repeating: " ", count: max(width - text.utf8.count, 0))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.utf8.count, 0)) + text
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }

    /// Hours, minutes and seconds; 99:59:59 for what is not known or longer.
    private static func parts(_ latency: Interval?) -> (hours: Int, minutes: Int, seconds: Int) {
        guard let latency else { return (99, 59, 59) }
        let seconds = Coarse.latency(latency)
        return seconds >= 360_000 ? (99, 59, 59) : (seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    static func hoursMinutesSeconds(_ latency: Interval?) -> String {
        let (hours, minutes, seconds) = parts(latency)
        if hours > 0 { return "\(hours):\(two(minutes)):\(two(seconds))" }
        return minutes > 0 ? "\(minutes):\(two(seconds))" : String(seconds)
    }

    static func hoursAndMinutes(_ latency: Interval?) -> String {
        let (hours, minutes, _) = parts(latency)
        return hours > 0 ? "\(hours):\(two(minutes))" : ":\(two(minutes))"
    }

    /// mlist and rlist: `#` under 5 minutes to `_` from two days on.
    static func latencyMark1(_ latency: Interval?) -> Character {
        guard let latency else { return " " }
        switch latency {
        case ..<(.minutes(5)): return "#"
        case ..<(.hours(1)): return "*"
        case ..<(.hours(4)): return "+"
        case ..<(.hours(24)): return "-"
        case ..<(.hours(48)): return "."
        default: return "_"
        }
    }

    /// mlist2 and rlist2: `0` under 20 minutes, then hours to 9, then A to H in larger steps.
    static func latencyMark2(_ latency: Interval?) -> Character {
        guard let latency else { return "?" }
        let steps: [(Interval, Character)] = [
            (.minutes(20), "0"), (.hours(1), "1"), (.hours(2), "2"), (.hours(3), "3"), (.hours(4), "4"),
            (.hours(5), "5"), (.hours(6), "6"), (.hours(7), "7"), (.hours(8), "8"), (.hours(9), "9"),
            (.hours(12), "A"), (.hours(18), "B"), (.hours(24), "C"), (.hours(30), "D"), (.hours(36), "E"),
            (.hours(42), "F"), (.hours(48), "G"),
        ]
        return steps.first { latency < $0.0 }?.1 ?? "H"
    }

    /// `+` for all, or tens of percents.
    static func uptimeMark(_ permille: Int?) -> Character {
        guard let permille else { return "?" }
        return permille >= 1000 ? "+" : Character(String(max(permille, 0) / 100))
    }
}
