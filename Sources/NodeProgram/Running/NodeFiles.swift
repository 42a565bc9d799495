// A node's data directory: which file is where, and how it is made.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
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
    /// The network file as trusted, the consensus and the descriptors (`DirectoryCache`).
    var directoryCache: String { "\(directory)/directory" }
    /// Where the nodes of the last days are (`AddressBook`).
    var addressBook: String { "\(directory)/addresses" }
    /// Who has the descriptor (`PublicationRecord`).
    var publication: String { "\(directory)/publication.json" }
    /// The newest statement of opt-outs.
    var optOuts: String { "\(directory)/opt-outs" }
    /// There while the node is leaving.
    var leaving: String { "\(directory)/leaving" }
    /// There while the running node works with other parameters than the network has now.
    var outdated: String { "\(directory)/outdated" }
    /// Process id and addresses while the node runs.
    var running: String { "\(directory)/running" }

    /// Whether a process says that it runs this node. Not for safety: that is the lock's business.
    var isRunning: Bool {
        guard let bytes = try? AtomicFile.read(running, limit: 1 << 16),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first, let process = Int32(line)
        else { return false }
        return kill(process, 0) == 0 || errno == EPERM
    }

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

    /// Signs and writes a descriptor.
    /// - Parameter keys: the packet keys of the current and the coming periods.
    func writeDescriptor(
        _ maker: DescriptorMaker, keys: [KeyPeriod: KEMPublicKey], identity: SigningKey, now: Timestamp
    ) throws -> Descriptor {
        let descriptor = try Descriptor.make(maker.fields(keys: keys, isLeaving: false, at: now), identity: identity)
        try AtomicFile.write(descriptor.bytes, to: self.descriptor)
        return descriptor
    }
}
