// The reply blocks that we have made. Opening answers needs no log: it is for people, who may turn it off
// (`surb-log = false`), and tells which blocks have brought an answer.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import Spool
internal import WireFormat

extension RecordKind {
    /// Name: SURB id; value: `OwnReplyBlock`.
    static let ownReplyBlocks = RecordKind(rawValue: 16)
}

/// What is remembered of a reply block of our own.
///
///     version 1 u8 | made u64 | expiry u64 | answered u64 (0: not yet) | digest 32 | identity: length u8, text
///     | target: length u16, text
struct OwnReplyBlock: Hashable, Sendable {
    let id: SURBID
    let identity: String
    let made: Timestamp
    let expiry: Timestamp
    /// As `ReplyTarget.text`.
    let target: String
    /// SHA-256 of its header, by which it is found among others.
    let digest: Digest
    /// When the first answer was read.
    var answered: Timestamp?

    init(
        id: SURBID, identity: String, made: Timestamp, expiry: Timestamp, target: String, digest: Digest,
        answered: Timestamp? = nil
    ) {
        self.id = id
        self.identity = identity
        self.made = Timestamp(seconds: made.seconds)
        self.expiry = expiry
        self.target = target
        self.digest = digest
        self.answered = answered
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt8(1))
        writer.integer(UInt64(clamping: made.seconds))
        writer.integer(UInt64(clamping: expiry.seconds))
        writer.integer(UInt64(clamping: answered?.seconds ?? 0))
        writer.fixed(digest)
        writer.integer(UInt8(clamping: identity.utf8.count))
        writer.append(identity.utf8)
        writer.integer(UInt16(clamping: target.utf8.count))
        writer.append(target.utf8)
        return writer.bytes
    }

    init(id: SURBID, decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1 else { throw .unknownValue }
        self.id = id
        func time(_ seconds: UInt64) -> Timestamp { Timestamp(seconds: Int64(clamping: seconds)) }
        made = time(try reader.integer())
        expiry = time(try reader.integer())
        let seconds = try reader.integer(UInt64.self)
        answered = seconds == 0 ? nil : time(seconds)
        digest = try reader.fixed()
        identity = try reader.text(Int(try reader.integer(UInt8.self)))
        target = try reader.text(Int(try reader.integer(UInt16.self)))
        try reader.end()
    }
}

/// The log of reply blocks in the client's records.
struct ReplyBlockLog {
    private let records: RecordStore

    init(_ records: RecordStore) { self.records = records }

    /// Adds blocks that have been made.
    func add(_ blocks: [OwnReplyBlock]) throws {
        try records.transaction { records in
            for block in blocks {
                // Kept as long as an answer can come and be read.
                try records.put(
                    .ownReplyBlocks, block.id.bytes, block.encoded,
                    expires: block.expiry + SURBSecretSchedule.opening)
            }
        }
    }

    /// Every block, in the order in which they were made; damaged records are left out.
    func all() throws -> [OwnReplyBlock] {
        try records.all(.ownReplyBlocks).compactMap { name, value in
            SURBID(name).flatMap { try? OwnReplyBlock(id: $0, decoding: value) }
        }
    }

    /// Notes that an answer came; nothing if the block is not in the log.
    func noteAnswered(_ id: SURBID, at now: Timestamp) throws {
        try records.transaction { records in
            guard let value = try records.get(.ownReplyBlocks, id.bytes),
                var block = try? OwnReplyBlock(id: id, decoding: value), block.answered == nil
            else { return }
            block.answered = Timestamp(seconds: now.seconds)
            try records.put(
                .ownReplyBlocks, id.bytes, block.encoded, expires: block.expiry + SURBSecretSchedule.opening)
        }
    }

    /// Forgets blocks whose time is over; how many.
    func forgetExpired(now: Timestamp) throws -> Int {
        try records.transaction { records in
            var count = 0
            for (name, value) in try records.all(.ownReplyBlocks) {
                guard let id = SURBID(name) else { continue }
                let block = try? OwnReplyBlock(id: id, decoding: value)
                if block.map({ $0.expiry <= now }) ?? true, try records.remove(.ownReplyBlocks, name) { count += 1 }
            }
            return count
        }
    }
}
