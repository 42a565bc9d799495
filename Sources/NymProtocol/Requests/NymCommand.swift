// What the owner of a nym tells the server.

internal import WireFormat

/// One command of a request.
///
///     tag u8 | length u32 | operand
public enum NymCommand: Hashable, Sendable {
    /// Opens the account; the first command of the request that creates it.
    case create(NymCreation)
    /// Adds to the stock of reply blocks.
    case surbs(NymBatch)
    /// Sends a mail as the nym.
    case send(NymMail)
    /// Asks for the synopses of all that is held.
    case list
    /// Asks for bytes of mails.
    case get([NymRange])
    /// Has these items: the server forgets them.
    case acknowledge([UInt64])
    case policy(NymPolicy)
    case addAlias(NymName, ProofOfWork)
    case removeAlias(NymName)
    case rotate(NymRotation)
    /// Ends the account and erases what it has.
    case close

    /// Most ranges of a `get`.
    public static let mostRanges = 1024
    /// Most items of an `acknowledge`.
    public static let mostAcknowledged = 4096

    var tag: UInt8 {
        switch self {
        case .create: 1
        case .surbs: 2
        case .send: 3
        case .list: 4
        case .get: 5
        case .acknowledge: 6
        case .policy: 7
        case .addAlias: 8
        case .removeAlias: 9
        case .rotate: 10
        case .close: 11
        }
    }

    /// Whether it is within its bounds. The types of operands see to their own.
    var isBounded: Bool {
        switch self {
        case .get(let ranges): ranges.count <= Self.mostRanges
        case .acknowledge(let items): items.count <= Self.mostAcknowledged
        default: true
        }
    }

    func write(to writer: inout WireWriter) {
        var operand = WireWriter()
        switch self {
        case .create(let creation): creation.write(to: &operand)
        case .surbs(let batch): batch.write(to: &operand)
        case .send(let mail): mail.write(to: &operand)
        case .list, .close: break
        case .get(let ranges): for range in ranges { range.write(to: &operand) }
        case .acknowledge(let items): for item in items { operand.integer(item) }
        case .policy(let policy): policy.write(to: &operand)
        case .addAlias(let name, let work):
            operand.name(name)
            operand.integer(work.nonce)
        case .removeAlias(let name): operand.name(name)
        case .rotate(let rotation): rotation.write(to: &operand)
        }
        writer.integer(tag)
        writer.integer(UInt32(operand.bytes.count))
        writer.append(operand.bytes)
    }

    init(from reader: inout WireReader) throws {
        let tag = try reader.integer(UInt8.self)
        let length = Int(try reader.integer(UInt32.self))
        var operand = WireReader(try reader.slice(length))
        switch tag {
        case 1: self = .create(try NymCreation(from: &operand))
        case 2: self = .surbs(try NymBatch(from: &operand))
        case 3: self = .send(try NymMail(from: &operand))
        case 4: self = .list
        case 5:
            guard length <= 16 * Self.mostRanges else { throw NymError.malformed }
            var ranges: [NymRange] = []
            while operand.remaining > 0 { ranges.append(try NymRange(from: &operand)) }
            self = .get(ranges)
        case 6:
            guard length <= 8 * Self.mostAcknowledged else { throw NymError.malformed }
            var items: [UInt64] = []
            while operand.remaining > 0 { items.append(try operand.integer()) }
            self = .acknowledge(items)
        case 7: self = .policy(try NymPolicy(from: &operand))
        case 8: self = .addAlias(try operand.name(), ProofOfWork(nonce: try operand.integer()))
        case 9: self = .removeAlias(try operand.name())
        case 10: self = .rotate(try NymRotation(from: &operand))
        case 11: self = .close
        default: throw WireError.unknownValue
        }
        try operand.end()
    }
}
