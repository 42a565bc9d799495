// Requests that wait for an answer from the address itself. A request names nobody: it has the hash of the address, and the
// token that the confirmation mail carries.

internal import Directory
internal import Spool
internal import WireFormat

/// The requests that wait.
struct OptOutRequests: Sendable {
    /// What is asked for.
    enum Purpose: UInt8, Sendable {
        case optOut = 1
        /// Take it back, or be one of those who want anonymous mail.
        case optIn = 2
    }

    struct Request: Sendable, Hashable {
        let hash: OptOutHash
        let purpose: Purpose
        /// Whether it is for everybody at a host: then anybody there may answer.
        let isDomain: Bool
        let asked: Timestamp
    }

    /// Bytes of a token; 32 characters in an address.
    static let tokenSize = 20
    /// How long an answer counts.
    static let keep = Interval.days(3)
    /// Between two confirmation mails to one address.
    static let pause = Interval.days(1)
    /// Requests that wait at a time.
    static let maximum = 8192

    let records: RecordStore

    /// When the last confirmation mail of this purpose for an address was sent, if that was less than a day ago. Each purpose has
    /// its own: who asks for the one in another's name must not keep him from the other.
    func lastMail(to hash: OptOutHash, _ purpose: Purpose, at now: Timestamp) throws(SpoolError) -> Timestamp? {
        guard let bytes = try records.get(.optOutRequests, Self.markName(hash, purpose)) else { return nil }
        var reader = WireReader(bytes)
        guard let value: UInt64 = try? reader.integer() else { return nil }
        let sent = Timestamp(milliseconds: Int64(clamping: value))
        // A clock that was set back keeps nobody waiting for longer.
        return sent <= now && now < sent + Self.pause ? sent : nil
    }

    /// Begins a request; durable when this returns. Nil if too many wait.
    func begin(_ request: Request, using generator: inout some RandomNumberGenerator) throws(SpoolError) -> [UInt8]? {
        var token = [UInt8](repeating: 0, count: Self.tokenSize)
        for index in token.indices { token[index] = UInt8.random(in: .min ... .max, using: &generator) }
        let name = Self.tokenName(token)
        return try transaction { records in
            guard try records.count(.optOutRequests) < 2 * Self.maximum else { return nil }
            try records.put(.optOutRequests, name, Self.encoded(request), expires: request.asked + Self.keep)
            try records.put(
                .optOutRequests, Self.markName(request.hash, request.purpose), Self.bytes(request.asked),
                expires: request.asked + Self.pause)
            return token
        }
    }

    /// Undoes `begin`: the mail could not be sent.
    func cancel(_ token: [UInt8], _ request: Request) throws(SpoolError) {
        try transaction { records in
            try records.remove(.optOutRequests, Self.tokenName(token))
            try records.remove(.optOutRequests, Self.markName(request.hash, request.purpose))
        }
    }

    /// The request that a token belongs to; nil if there is none, or it is too old, or was confirmed.
    func request(_ token: [UInt8], at now: Timestamp) throws(SpoolError) -> Request? {
        guard token.count == Self.tokenSize, let bytes = try records.get(.optOutRequests, Self.tokenName(token)),
            let found = Self.decode(bytes), now < found.asked + Self.keep
        else { return nil }
        return found
    }

    /// Forgets a request that is done; within the transaction that does what it asks for.
    static func end(_ token: [UInt8], in records: RecordTransaction) throws(SpoolError) {
        try records.remove(.optOutRequests, tokenName(token))
    }

    private func transaction<T>(_ body: (RecordTransaction) throws -> T) throws(SpoolError) -> T {
        do { return try records.transaction(body) } catch let error as SpoolError { throw error } catch {
            throw .database(String(describing: error))
        }
    }

    private static func encoded(_ request: Request) -> [UInt8] {
        [1, request.purpose.rawValue, request.isDomain ? 1 : 0] + bytes(request.asked) + request.hash.bytes
    }

    private static func decode(_ bytes: [UInt8]) -> Request? {
        guard bytes.count == 27, bytes[0] == 1, let purpose = Purpose(rawValue: bytes[1]),
            let hash = OptOutHash(bytes[11...])
        else { return nil }
        let asked = bytes[3..<11].reduce(0) { $0 << 8 | Int64($1) }
        return Request(hash: hash, purpose: purpose, isDomain: bytes[2] == 1, asked: Timestamp(milliseconds: asked))
    }

    private static func tokenName(_ token: [UInt8]) -> [UInt8] { [UInt8(ascii: "c")] + token }
    private static func markName(_ hash: OptOutHash, _ purpose: Purpose) -> [UInt8] {
        [UInt8(ascii: "m"), purpose.rawValue] + hash.bytes
    }
    private static func bytes(_ time: Timestamp) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: time.milliseconds >> (8 * Int64($0))) }
    }
}
