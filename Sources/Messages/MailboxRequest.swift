// What the owner of a mailbox asks its node: the body of a FETCH frame. Signed with the mailbox's key, for one node and one
// moment, so that neither another node nor somebody who kept a copy can use it.

public import MixCrypto
public import WireFormat

/// Why a request is refused.
public enum MailboxRequestError: Error, Hashable, Sendable, CaseIterable {
    /// Not the form of a request.
    case malformed
    /// For another node.
    case otherNode
    /// Made too long ago, or in the future.
    case wrongTime
    /// Not signed with the mailbox's key.
    case signature
}

/// A request that the owner of the mailbox did make.
public struct MailboxRequest: Sendable {
    /// What is asked for.
    public enum Operation: Hashable, Sendable {
        /// The oldest block that is not among `acknowledging`, the ids of blocks (at most 64) that may be deleted.
        case fetch(acknowledging: [UInt64])
        /// A new mailbox; doing it again changes the policy.
        case create(MailboxPolicy)
        /// Another policy.
        case configure(MailboxPolicy)
        /// The end of the mailbox and all that is in it.
        case delete
        /// How it stands.
        case status
    }

    /// The key whose hash names the mailbox.
    public let key: VerificationKey
    public let operation: Operation
    /// When it was made.
    public let time: Timestamp

    /// The mailbox.
    public var mailbox: MailboxID { key.mailboxID }

    /// Bytes of every request.
    public static let size = 32_768
    /// How far the clocks of client and node may be apart, journey included.
    public static let window = Interval.minutes(10)
    /// Most blocks that one request acknowledges.
    public static let acknowledgements = 64
    static let signatureSize = 64
    static let version: UInt8 = 1
    static let label = Array("nightjar/1 mailbox\n".utf8)

    fileprivate init(key: VerificationKey, operation: Operation, time: Timestamp) {
        self.key = key
        self.operation = operation
        self.time = time
    }

    /// A signed request, 32,768 bytes.
    ///
    ///     version 1 u8 | operation u8 | operand length u16 | time ms u64 | node id 32 | key 32 | operand | random | signature 64
    ///
    /// The signature is over "nightjar/1 mailbox\n" and everything before it. Acknowledgements beyond the bound are left
    /// for another request.
    public static func signed(
        _ operation: Operation, node: NodeID, key: SigningKey, at now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) throws(CryptoError) -> [UInt8] {
        let operand: [UInt8]
        let code: UInt8
        switch operation {
        case .fetch(let ids):
            code = 0
            var writer = WireWriter()
            for id in ids.prefix(acknowledgements) { writer.integer(id) }
            operand = writer.bytes
        case .create(let policy): (code, operand) = (1, policy.encoded)
        case .configure(let policy): (code, operand) = (2, policy.encoded)
        case .delete: (code, operand) = (3, [])
        case .status: (code, operand) = (4, [])
        }
        var writer = WireWriter(capacity: size)
        writer.integer(version)
        writer.integer(code)
        writer.integer(UInt16(operand.count))
        writer.integer(UInt64(max(0, now.milliseconds)))
        writer.fixed(node)
        writer.append(key.verificationKey.bytes)
        writer.append(operand)
        writer.append(generator.bytes(size - signatureSize - writer.bytes.count))
        writer.append(try key.sign(label + writer.bytes))
        return writer.bytes
    }
}

/// A request as it came.
public struct UnverifiedMailboxRequest: Sendable {
    private let request: MailboxRequest
    private let node: NodeID
    private let bytes: [UInt8]

    /// Parses 32,768 bytes; `malformed` for anything else.
    public init(_ bytes: [UInt8]) throws(MailboxRequestError) {
        guard bytes.count == MailboxRequest.size else { throw .malformed }
        do {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == MailboxRequest.version else { throw WireError.unknownValue }
            let code = try reader.integer(UInt8.self)
            let length = Int(try reader.integer(UInt16.self))
            guard let milliseconds = Int64(exactly: try reader.integer(UInt64.self)) else {
                throw WireError.unknownValue
            }
            node = try reader.fixed()
            let key = try VerificationKey(try reader.slice(32))
            let operand = Array(try reader.slice(length))
            _ = try reader.slice(MailboxRequest.signatureSize)
            request = MailboxRequest(
                key: key, operation: try Self.operation(code, operand), time: Timestamp(milliseconds: milliseconds))
        } catch {
            throw .malformed
        }
        self.bytes = bytes
    }

    private static func operation(_ code: UInt8, _ operand: [UInt8]) throws -> MailboxRequest.Operation {
        switch code {
        case 0:
            guard operand.count.isMultiple(of: 8), operand.count <= 8 * MailboxRequest.acknowledgements else {
                throw MailboxRequestError.malformed
            }
            var reader = WireReader(operand)
            var ids: [UInt64] = []
            while reader.remaining > 0 { ids.append(try reader.integer()) }
            return .fetch(acknowledging: ids)
        case 1: return .create(try MailboxPolicy(decoding: operand))
        case 2: return .configure(try MailboxPolicy(decoding: operand))
        case 3 where operand.isEmpty: return .delete
        case 4 where operand.isEmpty: return .status
        default: throw MailboxRequestError.malformed
        }
    }

    /// The one door to a `MailboxRequest`: it is for `node`, made within `window` of `now`, and signed with its key.
    public func verify(node: NodeID, at now: Timestamp) throws(MailboxRequestError) -> MailboxRequest {
        guard self.node == node else { throw .otherNode }
        guard request.time >= now - MailboxRequest.window, request.time <= now + MailboxRequest.window else {
            throw .wrongTime
        }
        let end = bytes.count - MailboxRequest.signatureSize
        guard request.key.isValid(Array(bytes[end...]), over: MailboxRequest.label + bytes[..<end]) else {
            throw .signature
        }
        return request
    }
}
