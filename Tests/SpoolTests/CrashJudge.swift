import Foundation
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import spool_crash

/// What a killed process said, against what its spool holds.
struct CrashJudge {
    private var stored: Set<Int> = []
    private var removing: Set<Int> = []
    private var removed: Set<Int> = []
    private var completing: Set<Int> = []
    private var completed: Set<Int> = []
    private var finishing: Set<[Int]> = []
    private var finished: Set<[Int]> = []

    private var boxed: Set<Int> = []
    private var posting: Set<[Int]> = []
    private var posted: Set<[Int]> = []
    private var acking: Set<Int> = []
    private var acked: Set<Int> = []

    mutating func hear(_ line: String) {
        let fields = line.split(separator: " ")
        let numbers = fields.dropFirst().compactMap { Int($0) }
        guard let number = numbers.first else { return }
        switch fields[0] {
        case "stored": stored.insert(number)
        case "removing": removing.insert(number)
        case "removed": removed.insert(number)
        case "completing": completing.insert(number)
        case "completed": completed.insert(number)
        case "finishing": finishing.insert(numbers)
        case "finished": finished.insert(numbers)
        case "boxed": boxed.insert(number)
        case "posting": posting.insert(numbers)
        case "posted": posted.insert(numbers)
        case "acking": acking.insert(number)
        case "acked": acked.insert(number)
        default: break
        }
    }

    /// Opens the spool as the next start would, and closes it again.
    func check(_ path: String, tried: Range<Int>) throws {
        let (spool, recovery) = try Spool.open(
            directory: path, storageKey: CrashPlan.storageKey, configuration: CrashPlan.configuration,
            now: Timestamp(seconds: 1_700_000_000))
        defer { spool.close() }
        #expect(recovery.damage.isEmpty)
        let held = try checkPackets(spool, recovery)
        try checkDeliveries(spool, recovery, directory: path)
        try checkMailbox(spool, recovery)

        // What is neither reported nor held must not be remembered: the sender's second try would be lost as a replay.
        for number in tried where !stored.contains(number) && !held.contains(number) {
            #expect(try !spool.isKnown(CrashPlan.tag(number), period: CrashPlan.period))
        }
        // A second try of a packet that was reported, or is held, is a replay.
        for number in tried where stored.contains(number) || held.contains(number) {
            #expect(try spool.isKnown(CrashPlan.tag(number), period: CrashPlan.period))
            #expect(
                try spool.performAndWait([.acceptNothing(tag: CrashPlan.tag(number), period: CrashPlan.period)]) == [
                    .replay
                ])
        }
    }

    private func checkPackets(_ spool: Spool, _ recovery: SpoolRecovery) throws -> Set<Int> {
        var held: Set<Int> = []
        for packet in recovery.packets {
            let body = try spool.readPacket(packet.id)
            var reader = WireReader(body)
            let number = Int(try reader.integer(UInt64.self))
            #expect(body == CrashPlan.body(number), "packet \(number) is whole")
            #expect(held.insert(number).inserted, "packet \(number) is there once")
            #expect(!removed.contains(number), "packet \(number) stays gone")
            if !stored.contains(number) {
                // The answer was not given: then the tag must be remembered with the packet.
                #expect(try spool.isKnown(CrashPlan.tag(number), period: CrashPlan.period))
            }
        }
        let missing = stored.subtracting(removing).subtracting(held)
        #expect(missing.isEmpty, "reported as stored, but lost")
        return held
    }

    private func checkDeliveries(_ spool: Spool, _ recovery: SpoolRecovery, directory: String) throws {
        var held: Set<[Int]> = []
        var files: Set<String> = []
        for delivery in recovery.deliveries {
            guard let message = completing.first(where: { CrashPlan.message($0) == delivery.message }),
                let recipient = (0..<2).first(where: { delivery.recipient == "smtp:r\($0)@example.org" })
            else {
                Issue.record("a delivery of nothing")
                continue
            }
            #expect(held.insert([message, recipient]).inserted, "delivered twice")
            #expect(!finished.contains([message, recipient]), "finished, but there again")
            var reader = try spool.openFile(delivery.file)
            #expect(try reader.rest() == CrashPlan.content(message))
            files.insert(delivery.file.hex)
            #expect(!recovery.completeMessages.contains(delivery.message), "collected and delivered")
        }
        for message in completed {
            for recipient in 0..<2 where !finishing.contains([message, recipient]) {
                #expect(held.contains([message, recipient]), "a delivery is lost")
            }
        }
        for message in completing.subtracting(completed) {
            let isDelivered = held.contains([message, 0])
            #expect(isDelivered == held.contains([message, 1]), "both deliveries or none")
            #expect(
                isDelivered || recovery.completeMessages.contains(CrashPlan.message(message)),
                "neither collected nor delivered")
        }
        let found = try FileManager.default.contentsOfDirectory(atPath: directory + "/files")
        #expect(Set(found) == files, "no file without a delivery")
    }

    /// Stored is there until its acknowledgement is asked for; acknowledged is gone; a message is there as a delivery or
    /// as blocks, never as both and never in part. Takes nothing out.
    private func checkMailbox(_ spool: Spool, _ recovery: SpoolRecovery) throws {
        guard let policy = try spool.mailboxPolicy(CrashPlan.mailbox) else {
            #expect(boxed.isEmpty && posted.isEmpty, "the mailbox is gone")
            return
        }
        #expect(policy == [1])
        guard
            case .mailbox(let state)? = try spool.one(
                .pollMailbox(CrashPlan.mailbox, acknowledging: [], now: Timestamp(seconds: 1_700_000_000)))
        else {
            Issue.record("the mailbox does not answer")
            return
        }
        var held: Set<Int> = []
        var row = state.oldest ?? 0
        while held.count < state.blocks {
            defer { row += 1 }
            guard row < 1_000_000 else { break }
            guard let block = try? spool.readMailBlock(row, of: CrashPlan.mailbox) else { continue }
            var reader = WireReader(block.body)
            let number = Int(try reader.integer(UInt64.self)) - 2_000_000_000
            #expect(block.body == CrashPlan.mailBlock(number).body, "block \(number) is whole")
            #expect(held.insert(number).inserted, "block \(number) is there once")
            #expect(!acked.contains(number), "block \(number) stays gone")
        }
        #expect(held.count == state.blocks && spool.statistics.mailBlocks == state.blocks)
        #expect(boxed.subtracting(acking).subtracting(held).isEmpty, "reported as stored, but lost")
        for numbers in posting {
            let pieces = (0..<2).map { CrashPlan.piece(numbers[0], numbers[1], $0) }
            let isWaiting = recovery.deliveries.contains {
                $0.state != CrashPlan.postedState && $0.message == CrashPlan.message(numbers[0])
                    && $0.recipient == "smtp:r\(numbers[1])@example.org"
            }
            let present = pieces.filter { held.contains($0) || acking.contains($0) }
            #expect(present.count == (isWaiting ? 0 : 2), "a delivery is all in the mailbox or not at all")
            if posted.contains(numbers) { #expect(!isWaiting) }
        }
    }
}
