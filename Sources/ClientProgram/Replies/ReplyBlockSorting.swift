// Which of the reply blocks that somebody gave us can be used now. Pure.

internal import Directory
internal import Sphinx
internal import WireFormat

/// Reply blocks, sorted by what can be done with them.
struct ReplyBlockSorting {
    /// What was found.
    struct Tally: Equatable {
        var given = 0
        var usable = 0
        var damaged = 0
        var expired = 0
        var used = 0
        var repeated = 0
        var foreign = 0
        /// The latest date among those that have expired.
        var latestExpiry: Timestamp?

        /// `2 expired, the last on 2026-11-21T00:00:00Z; 1 used before`, or nothing.
        var reasons: String {
            var parts: [String] = []
            if expired > 0 { parts.append("\(expired) expired\(latestExpiry.map { ", the last on \($0)" } ?? "")") }
            if used > 0 { parts.append("\(used) used before") }
            if repeated > 0 { parts.append("\(repeated) given twice") }
            if damaged > 0 { parts.append("\(damaged) damaged") }
            if foreign > 0 { parts.append("\(foreign) of another network") }
            return parts.joined(separator: "; ")
        }
    }

    /// In the order in which they were given.
    let usable: [SURB]
    let tally: Tally

    /// - Parameters:
    ///   - damaged: pieces that could not be read.
    ///   - isUsed: whether we used a block before.
    init(
        _ blocks: [SURB], damaged: Int, network: Network, now: Timestamp, isUsed: (SURB) throws -> Bool
    ) rethrows {
        var tally = Tally(given: blocks.count + damaged, damaged: damaged)
        var usable: [SURB] = []
        var seen: Set<[UInt8]> = []
        let margin = Self.margin(network.parameters)
        for block in blocks {
            if block.expiry - margin <= now {
                tally.expired += 1
                tally.latestExpiry = max(tally.latestExpiry ?? block.expiry, block.expiry)
            } else if !seen.insert(block.header).inserted {
                tally.repeated += 1
            } else if network.node(block.first) == nil {
                tally.foreign += 1
            } else if try isUsed(block) {
                tally.used += 1
            } else {
                usable.append(block)
            }
        }
        tally.usable = usable.count
        self.usable = usable
        self.tally = tally
    }

    /// An answer sent later than this before a block's date would hardly arrive: three hours for ten hops, less where
    /// time runs fast.
    static func margin(_ parameters: NetworkParameters) -> Interval {
        min(.hours(3), .milliseconds(parameters.acceptance.milliseconds / 100))
    }

    /// The first `count` usable ones.
    func take(_ count: Int, network: Network) throws(ReplyError) -> [SURB] {
        guard tally.given > 0 else { throw .noBlocks }
        guard tally.usable < count else { return Array(usable.prefix(count)) }
        guard tally.usable == 0 else { throw .tooFew(needed: count, tally) }
        switch tally.given {
        case tally.damaged: throw .allDamaged(tally.damaged)
        case tally.expired: throw .expired(tally.expired, latest: tally.latestExpiry ?? Timestamp(milliseconds: 0))
        case tally.used: throw .used(tally.used)
        case tally.foreign: throw .otherNetwork(network.name)
        default: throw .tooFew(needed: count, tally)
        }
    }
}
