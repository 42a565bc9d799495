import Testing
import WireFormat

@testable import NymProtocol

/// A client in memory: puts items together, acknowledges, refills, and sends again what has no result.
struct NymClientModel {
    let account: NymName
    private var parts: [UInt64: [NymItemKind: (bytes: [UInt8], missing: WantedRanges)]] = [:]
    /// Items of which the mail is there.
    private(set) var delivered: Set<UInt64> = []
    private(set) var twice = 0
    private var acknowledge: Set<UInt64> = []
    private var announced: Set<UInt64> = []
    private var asked: [UInt64: Int] = [:]
    private var open: [UInt64: (request: NymRequest, cycle: Int)] = [:]
    private var next: UInt64 = 2
    private var held = 0

    init(account: NymName) { self.account = account }

    mutating func take(_ packet: NymPacket) {
        held = Int(packet.status.heldItems)
        for result in packet.status.results where result.device == 1 { open[result.number] = nil }
        for record in packet.records {
            guard !delivered.contains(record.item) else {
                acknowledge.insert(record.item)
                continue
            }
            var part =
                parts[record.item]?[record.kind]
                ?? ([UInt8](repeating: 0, count: Int(record.total)), WantedRanges(allOf: record.total))
            let end = record.offset + UInt32(record.bytes.count)
            part.bytes.replaceSubrange(Int(record.offset)..<Int(end), with: record.bytes)
            part.missing.remove(record.offset..<end)
            parts[record.item, default: [:]][record.kind] = part
            guard part.missing.isEmpty else { continue }
            #expect(part.bytes == NymServerModel.content(record.item, record.kind, part.bytes.count))
            switch record.kind {
            case .synopsis: announced.insert(record.item)
            case .mail, .notice:
                if !delivered.insert(record.item).inserted { twice += 1 }
                acknowledge.insert(record.item)
                announced.remove(record.item)
                parts[record.item] = nil
            }
        }
    }

    /// What leaves in a cycle: refills with everything in them, and what has had no result for long.
    mutating func requests(_ cycle: Int, packets: NymClass) throws -> [NymRequest] {
        var leaving: [NymRequest] = []
        if cycle % 6 == 0, open.count < 40 {
            var commands: [NymCommand] = []
            if !acknowledge.isEmpty { commands.append(.acknowledge(acknowledge.sorted())) }
            let wanted = announced.filter { asked[$0].map { $0 + 60 < cycle } ?? true }.sorted()
            if !wanted.isEmpty {
                commands.append(.get(wanted.map { NymRange(item: $0) }))
                for item in wanted { asked[item] = cycle }
            }
            if held > 0, cycle % 24 == 0 { commands.append(.list) }
            let count = cycle == 0 ? 60 * packets.packets : 6 * packets.packets + 2
            commands.append(
                .surbs(try NymBatch(generation: 1, blocks: Array(repeating: NymFixture.block(1), count: count))))
            let seen = (open.keys.min() ?? next) - 1
            let request = try NymRequest(
                account: account, device: 1, number: next, resultsSeen: min(seen, next - 1), commands: commands)
            open[next] = (request, cycle)
            next += 1
            acknowledge = []
            leaving.append(request)
        }
        for (number, entry) in open where entry.cycle + 24 < cycle {
            open[number]?.cycle = cycle
            leaving.append(entry.request)
        }
        return leaving
    }
}
