// The reply blocks that came with one message, and which answers they have been spent on. Pure; `ReplyPools` keeps it.

internal import WireFormat

/// The books of one message's reply blocks. The blocks themselves are records of their own, erased one by one.
///
///     version 1 u8 | until u64 ms | tokens u8 | token 20 * | blocks u8 | (expiry u64 ms | state u8)*
///     | answers u8 | (digest 32 | done u8 | count u8 | index u8 *)*
struct ReplyPool: Sendable, Hashable {
    enum BlockState: UInt8, Sendable {
        case free = 0
        case reserved = 1
        case used = 2
    }

    struct Block: Sendable, Hashable {
        let expiry: Timestamp
        var state = BlockState.free
    }

    /// An answer that has begun to be sent.
    struct Answer: Sendable, Hashable {
        let digest: Digest
        var isDone = false
        /// The blocks that carry it.
        var blocks: [Int]
    }

    /// When the last block expires or the addresses end, whichever is first.
    let until: Timestamp
    /// The addresses through which the pool is answered.
    let tokens: [ReplyToken]
    private(set) var blocks: [Block]
    private(set) var answers: [Answer] = []

    private static let version: UInt8 = 1

    init(until: Timestamp, tokens: [ReplyToken], expiries: [Timestamp]) {
        self.until = until
        self.tokens = tokens
        blocks = expiries.map { Block(expiry: $0) }
    }

    /// Indices of blocks that an answer could use.
    func free(at now: Timestamp) -> [Int] {
        guard now < until else { return [] }
        return blocks.indices.filter { blocks[$0].state == .free && blocks[$0].expiry > now }
    }

    func answer(_ digest: Digest) -> Answer? { answers.first { $0.digest == digest } }

    /// Sets blocks aside for an answer of `needed` parts, of which `wanted` are sent if there are so many blocks. An
    /// answer that was begun keeps those that it has, as long as they are good. Nil if too few are left.
    mutating func reserve(_ digest: Digest, needed: Int, wanted: Int, at now: Timestamp) -> [Int]? {
        var taken = (answer(digest)?.blocks ?? []).filter { blocks[$0].expiry > now && blocks[$0].state == .reserved }
        if taken.count < needed { taken += free(at: now).prefix(max(wanted, needed) - taken.count) }
        guard taken.count >= needed else { return nil }
        for index in taken { blocks[index].state = .reserved }
        if let known = answers.firstIndex(where: { $0.digest == digest }) {
            answers[known].blocks = taken
        } else {
            answers.append(Answer(digest: digest, blocks: taken))
        }
        return taken
    }

    /// The answer is on its way: its blocks are used up.
    mutating func finish(_ digest: Digest) {
        guard let known = answers.firstIndex(where: { $0.digest == digest }) else { return }
        answers[known].isDone = true
        for index in answers[known].blocks { blocks[index].state = .used }
    }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64 + blocks.count * 9 + answers.count * 40)
        writer.integer(Self.version)
        writer.integer(UInt64(max(0, until.milliseconds)))
        // Bounded by the envelope: 8 recipients, 32 blocks, and an answer takes at least one block.
        writer.integer(UInt8(tokens.count))
        for token in tokens { writer.append(token.bytes) }
        writer.integer(UInt8(blocks.count))
        for block in blocks {
            writer.integer(UInt64(max(0, block.expiry.milliseconds)))
            writer.integer(block.state.rawValue)
        }
        writer.integer(UInt8(answers.count))
        for answer in answers {
            writer.fixed(answer.digest)
            writer.integer(UInt8(answer.isDone ? 1 : 0))
            writer.integer(UInt8(answer.blocks.count))
            writer.append(answer.blocks.map { UInt8($0) })
        }
        return writer.bytes
    }

    /// Nil for bytes that this version did not write.
    init?(decoding bytes: [UInt8]) {
        do {
            var reader = WireReader(bytes)
            func time() throws -> Timestamp {
                Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
            }
            guard try reader.integer(UInt8.self) == Self.version else { return nil }
            until = try time()
            tokens = try (0..<(try reader.integer(UInt8.self))).compactMap { _ in
                ReplyToken(bytes: try reader.slice(ReplyToken.size))
            }
            blocks = try (0..<(try reader.integer(UInt8.self))).map { _ in
                let expiry = try time()
                guard let state = BlockState(rawValue: try reader.integer()) else { throw WireError.unknownValue }
                return Block(expiry: expiry, state: state)
            }
            answers = try (0..<(try reader.integer(UInt8.self))).map { [count = blocks.count] _ in
                let digest: Digest = try reader.fixed()
                let isDone = try reader.integer(UInt8.self) == 1
                let indices = try reader.slice(Int(try reader.integer(UInt8.self))).map { Int($0) }
                guard indices.allSatisfy({ $0 < count }) else { throw WireError.unknownValue }
                return Answer(digest: digest, isDone: isDone, blocks: indices)
            }
            try reader.end()
        } catch {
            return nil
        }
    }
}
