internal import MixCrypto
internal import WireFormat

extension NymAccount {
    private static let version: UInt8 = 1

    /// For the store; one byte string for each value. Some 1.4 KB, and 140 bytes at most for each result not seen.
    ///
    ///     version 1 u8 | name | signing 32 | sealing 1216 | count u8, marks of former keys 16 * | count u8, aliases
    ///     | policy 6 | policy's device u64 | policy's number u64 | generation u32 | last command u32
    ///     | confirmed u8 | closing u32 (0 open) | budget u64 | count u8, devices
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 1536)
        writer.integer(Self.version)
        writer.name(name)
        writer.append(signing.bytes)
        writer.append(sealing.bytes)
        writer.integer(UInt8(clamping: formerKeys.count))
        for key in formerKeys { writer.append(key) }
        writer.integer(UInt8(clamping: aliases.count))
        for alias in aliases { writer.name(alias) }
        policy.write(to: &writer)
        writer.integer(policyDevice)
        writer.integer(policyNumber)
        writer.integer(generation)
        writer.integer(lastCommand)
        writer.integer(UInt8(isConfirmed ? 1 : 0))
        writer.integer(closing ?? 0)
        writer.integer(budget.fullAt)
        writer.integer(UInt8(devices.count))
        for device in devices { device.write(to: &writer) }
        return writer.bytes
    }

    /// Reads what `encoded` makes.
    public init(decoding bytes: [UInt8]) throws(NymError) {
        self = try NymProtocol.decoding {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == Self.version else { throw NymError.unknownVersion }
            let name = try reader.name()
            let creation = NymCreation(
                signing: try reader.verificationKey(), sealing: try reader.sealingKey(), work: ProofOfWork(nonce: 0))
            var account = NymAccount(name: name, creation, day: 0)
            for _ in 0..<(try reader.integer(UInt8.self)) {
                account.formerKeys.append(Array(try reader.slice(Self.markSize)))
            }
            for _ in 0..<(try reader.integer(UInt8.self)) { account.aliases.append(try reader.name()) }
            account.policy = try NymPolicy(from: &reader)
            account.policyDevice = try reader.integer()
            account.policyNumber = try reader.integer()
            account.generation = try reader.integer()
            account.lastCommand = try reader.integer()
            let confirmed = try reader.integer(UInt8.self)
            guard confirmed < 2 else { throw NymError.malformed }
            account.isConfirmed = confirmed == 1
            let closing = try reader.integer(UInt32.self)
            account.closing = closing == 0 ? nil : closing
            account.budget = SendBudget(fullAt: try reader.integer())
            let count = try reader.integer(UInt8.self)
            guard count <= NymLimits.devices else { throw NymError.malformed }
            for _ in 0..<count { account.devices.append(try NymDevice(from: &reader)) }
            try reader.end()
            return account
        }
    }
}
