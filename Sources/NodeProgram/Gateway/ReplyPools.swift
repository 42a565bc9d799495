// The store of the reply gateway: addresses that were handed out and the reply blocks behind them. What is promised in a
// mail's Reply-To is on the disk before the mail leaves.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import Spool
internal import WireFormat

final class ReplyPools: Sendable {
    /// Reply blocks kept at most, 7.3 KiB each; over it the messages that came first lose theirs.
    static let maximumBlocks = 32_768
    /// How long an address that has ended is still known as such.
    static let remembersEnded = Interval.days(28)

    private let records: RecordStore
    private let key: SymmetricSecret
    private let keep: Interval
    private let limit: Int
    private let count: @Sendable (String, Int) -> Void

    /// - Parameters:
    ///   - key: makes tokens.
    ///   - keep: how long an address is good at most.
    ///   - count: told of what happened, `gateway_...`, and how often.
    init(
        records: RecordStore, key: SymmetricSecret, keep: Interval, limit: Int = ReplyPools.maximumBlocks,
        count: @escaping @Sendable (String, Int) -> Void
    ) {
        self.records = records
        self.key = key
        self.keep = keep
        self.limit = limit
        self.count = count
    }

    func token(_ message: MessageID, _ recipient: String) -> ReplyToken {
        ReplyToken(message: message, recipient: recipient, key: key)
    }

    /// Keeps a message's reply blocks for answers of these recipients; durable when it returns. Blocks that are no good are
    /// counted and left out.
    func keep(_ blocks: [[UInt8]], of message: MessageID, recipients: [String], now: Timestamp) throws(SpoolError) {
        var good: [(bytes: [UInt8], expiry: Timestamp)] = []
        for bytes in Set(blocks) {
            guard let surb = try? SURB(bytes) else {
                count("gateway_bad_blocks", 1)
                continue
            }
            guard surb.expiry > now else {
                count("gateway_expired_blocks", 1)
                continue
            }
            good.append((bytes, surb.expiry))
        }
        guard !good.isEmpty, !recipients.isEmpty else { return }
        // What lasts longest is used last.
        good.sort { $0.expiry < $1.expiry }
        let until = min(now + keep, good[good.count - 1].expiry)
        let pool = ReplyPool(
            until: until, tokens: recipients.map { token(message, $0) }, expiries: good.map { min($0.expiry, until) })
        try transaction { records in
            // Twice the same message: a crash, before anything was sent that could have been answered, or parts that came
            // again long after; what has been used stays used.
            if let known = try records.get(.replyTokens, Self.poolName(message)).flatMap(ReplyPool.init(decoding:)),
                !known.answers.isEmpty
            {
                return
            }
            try self.makeRoom(for: good.count, in: records)
            try records.put(.replyTokens, Self.poolName(message), pool.encoded, expires: until)
            for token in pool.tokens {
                let value = message.bytes + Self.bytes(until)
                try records.put(.replyTokens, Self.tokenName(token), value, expires: until + Self.remembersEnded)
            }
            for (index, block) in good.enumerated() {
                try records.put(
                    .replyBlocks, Self.blockName(message, index), block.bytes, expires: min(block.expiry, until))
            }
        }
        count("gateway_blocks_kept", good.count)
    }

    /// What is known of an address.
    enum Standing {
        case unknown
        case ended(Timestamp)
        case usedUp
        case good(MessageID)
    }

    func standing(_ token: ReplyToken, now: Timestamp) throws(SpoolError) -> Standing {
        guard let value = try records.get(.replyTokens, Self.tokenName(token)), value.count == 24,
            let message = MessageID(value[..<16])
        else { return .unknown }
        let until = Timestamp(milliseconds: value[16...].reduce(0) { $0 << 8 | Int64($1) })
        guard now < until else { return .ended(until) }
        guard let pool = try pool(message) else { return .usedUp }
        // With answers on record the mail may be one of them, tried again.
        return pool.free(at: now).isEmpty && pool.answers.isEmpty ? .usedUp : .good(message)
    }

    /// Whether a mail may offer this address.
    func isOffered(_ token: ReplyToken, now: Timestamp) -> Bool {
        if case .good = try? standing(token, now: now) { return true }
        return false
    }

    func pool(_ message: MessageID) throws(SpoolError) -> ReplyPool? {
        try records.get(.replyTokens, Self.poolName(message)).flatMap(ReplyPool.init(decoding:))
    }

    /// What an answer gets.
    enum Reservation {
        /// It has been sent before.
        case done
        /// These blocks, in this order.
        case blocks([SURB])
        /// So many blocks are left.
        case tooFew(Int)
    }

    /// Sets blocks aside for an answer, durably: the same answer gets the same again.
    func reserve(
        _ digest: Digest, of message: MessageID, needed: Int, wanted: Int, now: Timestamp
    ) throws(SpoolError) -> Reservation {
        try transaction { records in
            guard
                var pool = try records.get(.replyTokens, Self.poolName(message)).flatMap(ReplyPool.init(decoding:))
            else { return .tooFew(0) }
            if pool.answer(digest)?.isDone == true { return .done }
            guard let indices = pool.reserve(digest, needed: needed, wanted: wanted, at: now) else {
                return .tooFew(pool.free(at: now).count)
            }
            var blocks: [SURB] = []
            for index in indices {
                guard let bytes = try records.get(.replyBlocks, Self.blockName(message, index)),
                    let surb = try? SURB(bytes)
                else { throw SpoolError.damaged }
                blocks.append(surb)
            }
            try records.put(.replyTokens, Self.poolName(message), pool.encoded, expires: pool.until)
            return .blocks(blocks)
        }
    }

    /// An answer is durably on its way: erases its blocks.
    func finish(_ digest: Digest, of message: MessageID) throws(SpoolError) {
        try transaction { records in
            guard
                var pool = try records.get(.replyTokens, Self.poolName(message)).flatMap(ReplyPool.init(decoding:)),
                let answer = pool.answer(digest), !answer.isDone
            else { return }
            for index in answer.blocks { try records.remove(.replyBlocks, Self.blockName(message, index)) }
            pool.finish(digest)
            try records.put(.replyTokens, Self.poolName(message), pool.encoded, expires: pool.until)
        }
    }

    private func makeRoom(for blocks: Int, in records: RecordTransaction) throws {
        var excess = try records.count(.replyBlocks) + blocks - limit
        guard excess > 0 else { return }
        // A sixteenth at a time, so that the reading is rare.
        excess = max(excess, limit / 16)
        var damaged = 0
        let tokens = try records.all(.replyTokens, skippingDamaged: &damaged)
        if damaged > 0 { count("gateway_records_damaged", damaged) }
        for (name, value) in tokens where name.first == Self.poolMark && excess > 0 {
            guard let pool = ReplyPool(decoding: value), let message = MessageID(name[1...]) else { continue }
            for index in pool.blocks.indices where try records.remove(.replyBlocks, Self.blockName(message, index)) {
                excess -= 1
                count("gateway_blocks_forgotten_early", 1)
            }
            for token in pool.tokens { try records.remove(.replyTokens, Self.tokenName(token)) }
            try records.remove(.replyTokens, name)
        }
    }

    private func transaction<T>(_ body: (RecordTransaction) throws -> T) throws(SpoolError) -> T {
        do { return try records.transaction(body) } catch let error as SpoolError { throw error } catch {
            throw .database(String(describing: error))
        }
    }

    private static let poolMark = UInt8(ascii: "p")
    private static func poolName(_ message: MessageID) -> [UInt8] { [poolMark] + message.bytes }
    private static func tokenName(_ token: ReplyToken) -> [UInt8] { [UInt8(ascii: "t")] + token.bytes }
    private static func blockName(_ message: MessageID, _ index: Int) -> [UInt8] {
        message.bytes + [UInt8(truncatingIfNeeded: index)]
    }
    private static func bytes(_ time: Timestamp) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: time.milliseconds >> (8 * Int64($0))) }
    }
}
