// A seeded run against a spool, made to be killed. It writes one line before and after everything that matters, so that
// whoever started it knows what must be there, what may be there and what must be gone.
//
//     stored N            packet N was reported as stored
//     removing N          its removal is about to be asked for
//     removed N           and was reported
//     completing M        message M is about to be turned into two deliveries
//     completed M         and that was reported
//     finishing M R       the delivery of message M to recipient R is about to be finished
//     finished M R        and that was reported
//     boxed N             reply N was reported as stored in the mailbox
//     posting M R         the delivery of message M to recipient R is about to end in the mailbox, as two blocks
//     posted M R          and that was reported
//     acking N            block N, a reply or 10 * (10 * M + R) + piece of a message, is about to be acknowledged
//     acked N             and that was reported

import Glibc
import MixCrypto
import Spool
import TestSupport
import WireFormat

/// What the killed process and its judge both know.
enum CrashPlan {
    static let storageKey = SymmetricSecret(copying: [UInt8](repeating: 7, count: 32))
    static let period = KeyPeriod(40)
    static let deadline = Timestamp(seconds: 4_000_000_000)
    /// Small segments that age quickly, so that records are copied on all the time.
    static var configuration: SpoolConfiguration {
        var configuration = SpoolConfiguration()
        configuration.segmentBytes = 12 * 32_784
        configuration.segmentAge = .seconds(20)
        configuration.copyStep = 3
        configuration.groupWaitMilliseconds = 0
        configuration.cacheBytes = 8 * 32_768
        configuration.maxMailboxes = 1
        return configuration
    }
    static func tag(_ number: Int) -> ReplayTag {
        var generator = SeededRandom(seed: UInt64(number) &* 2 &+ 1)
        return ReplayTag.random(using: &generator)
    }
    /// 32,768 bytes that begin with the number.
    static func body(_ number: Int) -> [UInt8] {
        var generator = SeededRandom(seed: UInt64(number) &* 2)
        var writer = WireWriter(capacity: 32_768)
        writer.integer(UInt64(number))
        return writer.bytes + generator.bytes(32_760)
    }
    static func message(_ number: Int) -> MessageID {
        var generator = SeededRandom(seed: UInt64(number) &+ 1 << 40)
        return MessageID.random(using: &generator)
    }
    /// 70,000 bytes: more than one chunk.
    static func content(_ number: Int) -> [UInt8] {
        var generator = SeededRandom(seed: UInt64(number) &+ 1 << 41)
        return generator.bytes(70_000)
    }
    /// Two groups of two shares; tags of their own.
    static func part(_ message: Int, _ piece: Int) -> SpoolOperation {
        .acceptPart(
            tag: tag(1_000_000_000 + message * 4 + piece), period: period,
            part: PartRow(
                message: Self.message(message), group: piece / 2, groups: 2, k: 2, n: 3, index: piece % 2,
                messageLength: 70_000),
            deadline: deadline, share: Array(content(message)[piece * 17_500..<(piece + 1) * 17_500]))
    }
    /// The mark of a delivery whose blocks are in the mailbox.
    static let postedState = 2
    static var mailbox: MailboxID {
        var generator = SeededRandom(seed: 5)
        return MailboxID.random(using: &generator)
    }
    /// Tags and bodies far from those of packets.
    static func mail(_ number: Int) -> SpoolOperation {
        .acceptMail(
            tag: tag(2_000_000_000 + number), period: period, mailbox: mailbox, block: mailBlock(number))
    }
    static func mailBlock(_ number: Int) -> NewMailBlock {
        NewMailBlock(
            kind: 1, release: Timestamp(seconds: 0), expires: deadline, body: body(2_000_000_000 + number))
    }
    /// What a block of a message is called.
    static func piece(_ message: Int, _ recipient: Int, _ piece: Int) -> Int {
        1_000_000 + 10 * (10 * message + recipient) + piece
    }
    static func accept(_ number: Int, now: Timestamp) -> SpoolOperation {
        var generator = SeededRandom(seed: UInt64(number % 3))
        return .acceptPacket(
            tag: tag(number), period: period, destination: NodeID.random(using: &generator),
            release: now + .seconds(60),
            deadline: deadline, body: body(number))
    }
}

/// The run.
struct CrashWorkload {
    let spool: Spool
    var now: Timestamp
    var random: SeededRandom
    var next: Int
    var waiting: [(number: Int, id: PacketRowID)] = []
    var open: [(message: Int, recipient: Int, id: DeliveryRowID)] = []

    func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // A pipe takes a line at once; whether anybody still reads it does not matter here.
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }

    mutating func run(steps: Int) throws {
        _ = try spool.performAndWait([
            .createMailbox(CrashPlan.mailbox, policy: [1], quota: 100_000, now: now)
        ])
        for step in 0..<steps {
            try storeSome()
            try fillMailbox()
            if step % 2 == 0 { try emptyMailbox() }
            if waiting.count > 30 { try removeSome() }
            if step % 3 == 0 { try message() }
            if open.count > 6 { try finishSome() }
            now = now + .seconds(3)
            _ = try spool.performAndWait([.expire(now: now)])
        }
    }

    private mutating func storeSome() throws {
        let numbers = (0..<Int.random(in: 1...6, using: &random)).map { next + $0 }
        next += numbers.count
        let results = try spool.performAndWait(numbers.map { CrashPlan.accept($0, now: now) })
        for (number, result) in zip(numbers, results) {
            guard case .stored(let id) = result else { continue }
            say("stored \(number)")
            waiting.append((number, id))
        }
    }

    private mutating func removeSome() throws {
        waiting.shuffle(using: &random)
        let chosen = Array(waiting.suffix(Int.random(in: 1...8, using: &random)))
        waiting.removeLast(chosen.count)
        for packet in chosen { say("removing \(packet.number)") }
        _ = try spool.performAndWait([.removePackets(chosen.map(\.id))])
        for packet in chosen { say("removed \(packet.number)") }
    }

    private mutating func message() throws {
        let number = next
        next += 1
        var isComplete = false
        for piece in 0..<4 {
            if case .partStored(complete: true)? = try spool.performAndWait([CrashPlan.part(number, piece)]).first {
                isComplete = true
            }
        }
        guard isComplete else { return }
        var file = try spool.makeFile()
        for group in 0..<2 {
            for share in try spool.readShares(message: CrashPlan.message(number), group: group) {
                try file.append(share.bytes)
            }
        }
        let finished = try file.finish()
        say("completing \(number)")
        let deliveries = (0..<2).map {
            NewDelivery(
                recipient: "smtp:r\($0)@example.org", file: finished, deadline: CrashPlan.deadline, nextAttempt: now)
        }
        let results = try spool.performAndWait([
            .completeMessage(
                message: CrashPlan.message(number), forgetAfter: CrashPlan.deadline, deliveries: deliveries)
        ])
        guard case .completed(let ids)? = results.first else { return }
        say("completed \(number)")
        for (recipient, id) in ids.enumerated() { open.append((number, recipient, id)) }
    }

    private mutating func finishSome() throws {
        let chosen = open.removeFirst()
        if chosen.message % 2 == 0 { return try post(chosen.message, chosen.recipient, chosen.id) }
        say("finishing \(chosen.message) \(chosen.recipient)")
        _ = try spool.performAndWait([.finishDelivery(chosen.id)])
        say("finished \(chosen.message) \(chosen.recipient)")
    }

    // MARK: The mailbox

    private mutating func fillMailbox() throws {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let number = next
            next += 1
            if try spool.performAndWait([CrashPlan.mail(number)]) == [.mailStored] { say("boxed \(number)") }
        }
    }

    private func post(_ message: Int, _ recipient: Int, _ id: DeliveryRowID) throws {
        say("posting \(message) \(recipient)")
        let blocks = (0..<2).map { CrashPlan.mailBlock(CrashPlan.piece(message, recipient, $0)) }
        for _ in 0..<2 {
            // The second time stands for a try after a crash: nothing is put in again.
            let results = try spool.performAndWait([
                .deliverToMailbox(id, state: CrashPlan.postedState, mailbox: CrashPlan.mailbox, blocks: blocks)
            ])
            if results == [.mailStored] { say("posted \(message) \(recipient)") }
        }
        say("finishing \(message) \(recipient)")
        _ = try spool.performAndWait([.finishDelivery(id)])
        say("finished \(message) \(recipient)")
    }

    /// Fetches a few blocks and acknowledges them, one after the other as a client does.
    private mutating func emptyMailbox() throws {
        var acknowledged: [(row: UInt64, number: Int)] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            for block in acknowledged { say("acking \(block.number)") }
            let results = try spool.performAndWait([
                .pollMailbox(CrashPlan.mailbox, acknowledging: acknowledged.map(\.row), now: now)
            ])
            for block in acknowledged { say("acked \(block.number)") }
            guard case .mailbox(let state)? = results.first, let oldest = state.oldest else { return }
            let block = try spool.readMailBlock(oldest, of: CrashPlan.mailbox)
            var reader = WireReader(block.body)
            acknowledged = [(oldest, Int(try reader.integer(UInt64.self)) - 2_000_000_000)]
        }
    }
}
