// A request: commands of one device, signed by the account's key, sealed to the server's. Requests may come in any order,
// twice, or never; the device sends one again under its number until it has seen its result.

public import MixCrypto
internal import WireFormat

/// Commands of one device.
///
///     version 1 u8 | account: length u8, name | device u64 | number u64 | results seen u64 | count u8 | commands
public struct NymRequest: Hashable, Sendable {
    public let account: NymName
    /// Drawn at random by each device of the owner.
    public let device: UInt64
    /// From 1, each once per device. At most `window` of them may be without a result at a time.
    public let number: UInt64
    /// The device has seen the results of all its requests up to this number.
    public let resultsSeen: UInt64
    /// 0 to 16. Without any the request only tells which results were seen.
    public let commands: [NymCommand]

    public static let mostCommands = 16
    /// Numbers that may be on their way at a time.
    public static let window: UInt64 = 64
    /// Longest sealed form: as text it fits into the longest body of a message.
    public static let largestSealed = 6_000_000
    /// Sealed forms have a length of `sizeStep` times something, and what the seal adds.
    public static let sizeStep = 1024
    static let version: UInt8 = 1
    static let signatureSize = 64
    static let label = "nightjar/1 nym request"

    /// `malformed` for numbers that cannot be, `tooLarge` beyond the bounds.
    public init(
        account: NymName, device: UInt64, number: UInt64, resultsSeen: UInt64 = 0, commands: [NymCommand]
    ) throws(NymError) {
        guard number > 0, resultsSeen < number else { throw .malformed }
        guard commands.count <= Self.mostCommands else { throw .tooLarge("at most \(Self.mostCommands) commands") }
        guard commands.allSatisfy(\.isBounded) else {
            throw .tooLarge(
                "at most \(NymCommand.mostRanges) ranges and \(NymCommand.mostAcknowledged) acknowledged items")
        }
        // Only the first command may create, or the key that verifies it would not be clear.
        for case .create in commands.dropFirst() { throw .malformed }
        self.account = account
        self.device = device
        self.number = number
        self.resultsSeen = resultsSeen
        self.commands = commands
    }

    /// The request's bytes: what is signed.
    public var encoded: [UInt8] {
        var writer = WireWriter()
        writer.integer(Self.version)
        writer.name(account)
        writer.integer(device)
        writer.integer(number)
        writer.integer(resultsSeen)
        writer.integer(UInt8(commands.count))
        for command in commands { command.write(to: &writer) }
        return writer.bytes
    }

    /// Reads exactly one request.
    public init(decoding bytes: ArraySlice<UInt8>) throws(NymError) {
        self = try NymProtocol.decoding {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { throw NymError.unknownVersion }
            let account = try reader.name()
            let (device, number, seen): (UInt64, UInt64, UInt64) = (
                try reader.integer(), try reader.integer(), try reader.integer()
            )
            let count = try reader.integer(UInt8.self)
            guard count <= Self.mostCommands else { throw NymError.malformed }
            var commands: [NymCommand] = []
            for _ in 0..<count { commands.append(try NymCommand(from: &reader)) }
            try reader.end()
            return try NymRequest(
                account: account, device: device, number: number, resultsSeen: seen, commands: commands)
        }
    }

    /// The request for the server: `length u32 | request | signature 64 | zeros`, sealed. Nobody but the server learns
    /// more of it than its length, which is a multiple of `sizeStep` and what the seal adds.
    /// - Parameters:
    ///   - key: The account's key; for a creation, the key that it names.
    ///   - padding: The sealed form gets at least so many bytes; for requests that shall all have one length.
    /// - Throws: `NymError.tooLarge` beyond `largestSealed`, `CryptoError`.
    public func sealed(
        for domain: String, key: SigningKey, to server: KEMPublicKey, padding: Int = 0
    ) throws -> [UInt8] {
        let request = encoded
        let signature = try key.sign(Self.signed(request[...], domain: domain))
        let length = max(4 + request.count + Self.signatureSize, padding - MailSeal.overhead)
        let size = (length + Self.sizeStep - 1) / Self.sizeStep * Self.sizeStep
        guard size + MailSeal.overhead <= Self.largestSealed else {
            throw NymError.tooLarge("a request has at most \(Self.largestSealed) bytes")
        }
        var writer = WireWriter(capacity: size)
        writer.integer(UInt32(request.count))
        writer.append(request)
        writer.append(signature)
        writer.zeros(size - writer.bytes.count)
        return try MailSeal.seal(writer.bytes, to: server, label: Self.label)
    }

    /// "nightjar/1 nym request\n", the domain, "\n", and the request's bytes.
    static func signed(_ request: ArraySlice<UInt8>, domain: String) -> [UInt8] {
        Array("\(label)\n\(domain)\n".utf8) + request
    }
}
