// A node's data directory: which file is where, and how it is made.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
internal import Mixing
internal import WireFormat

/// The files of a node. Everything in the directory is its owner's alone.
struct NodeFiles: Sendable {
    let directory: String

    /// Ed25519 seed, 32 bytes: the node's identity for as long as it lives.
    var identity: String { "\(directory)/identity.key" }
    /// Seals the spool and makes exit tokens, 32 bytes.
    var storage: String { "\(directory)/storage.key" }
    /// One packet key for each period.
    var packetKeys: String { "\(directory)/packet-keys" }
    var spool: String { "\(directory)/spool" }
    /// Receipts in the making, reply addresses.
    var records: String { "\(directory)/records.sqlite" }
    /// The current descriptor.
    var descriptor: String { "\(directory)/descriptor" }
    /// The key that signs the network file, once seen.
    var pinnedSigner: String { "\(directory)/network-signer" }
    /// Process id and addresses while the node runs.
    var running: String { "\(directory)/running" }

    /// Makes directory and keys that are not there; keys that are there stay.
    /// - Returns: whether the identity is new.
    @discardableResult
    func create() throws -> Bool {
        _ = try PrivateDirectory(directory)
        _ = try PrivateDirectory(packetKeys)
        let isNew = !FileManager.default.fileExists(atPath: identity)
        if isNew { try SecretFile.create(identity, .random(count: 32)) }
        if !FileManager.default.fileExists(atPath: storage) { try SecretFile.create(storage, .random(count: 32)) }
        return isNew
    }

    /// The identity key.
    func loadIdentity() throws -> SigningKey { try SigningKey(seed: SecretFile.read(identity, count: 32)) }
    /// The storage key.
    func loadStorageKey() throws -> SymmetricSecret { SymmetricSecret(try SecretFile.read(storage, count: 32)) }

    /// Signs and writes a descriptor with the keys of the current and the coming periods.
    func writeDescriptor(
        _ settings: NodeSettings, network: String, keys: [KeyPeriod: KEMPublicKey], identity: SigningKey,
        now: Timestamp,
        validFor: Interval, software: String
    ) throws -> Descriptor {
        let whole = Timestamp(seconds: now.seconds)
        let fields = DescriptorFields(
            network: network, nickname: settings.nickname, addresses: settings.addresses, published: whole,
            validUntil: whole + validFor, keys: keys, capabilities: settings.capabilities,
            mixing: settings.strategy.description.split(separator: " ").map(String.init),
            weaknesses: settings.weaknessNames, family: settings.family, contact: settings.contact, software: software)
        let descriptor = try Descriptor.make(fields, identity: identity)
        try AtomicFile.write(descriptor.bytes, to: self.descriptor)
        return descriptor
    }
}
