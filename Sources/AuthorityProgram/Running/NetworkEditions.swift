// The editions of the network file that an authority knows: the one that is in force, and those before it. A consensus is
// good or bad by the edition that it was made under, so the last one of an older edition stays good until there is a newer.

internal import Daemon
internal import Directory
internal import Spool
internal import Synchronization
internal import WireFormat

/// The network file in force and the ones that it followed, each named by the next by its digest.
final class NetworkEditions: Sendable {
    /// Editions that are asked for, one before the other, to check one consensus.
    static let longestWalk = 16

    /// The edition that this authority works with.
    let current: NetworkFile
    private let store: AuthorityStore
    /// By version, without gaps down from the current one.
    private let former: Mutex<[UInt32: NetworkFile]>

    /// Takes the given edition, if it is the newest one that the store knows or may follow it, and keeps it.
    /// - Parameters:
    ///   - given: the network file that the configuration names, verified for itself.
    ///   - path: where it is, for messages.
    /// - Throws: `CommandFailure`, `AuthorityStoreError`.
    init(_ given: NetworkFile, path: String, store: AuthorityStore, now: Timestamp) throws {
        let stored = try store.networks()
        if let newest = stored.first { try Self.check(given, path, after: newest, store) }
        try store.keep(Self.document(given, now))
        current = given
        self.store = store
        former = Mutex([:])
        for document in stored { _ = try take(document.bytes) }
    }

    private static func check(
        _ given: NetworkFile, _ path: String, after newest: StoredDocument, _ store: AuthorityStore
    ) throws {
        guard given.digest != newest.digest else { return }
        let installed: NetworkFile
        do { installed = try UnverifiedNetworkFile(newest.bytes).verify() } catch {
            throw CommandFailure("the network file in \(store.path) is damaged (\(error)); restore it from a backup")
        }
        do { _ = try UnverifiedNetworkFile(given.bytes).verify(succeeding: installed) } catch {
            let advice =
                switch error as? NetworkFileError {
                case .rollback: "put version \(installed.version) back"
                case .gap:
                    "start it once with each of the editions between them, in order; other authorities serve them as "
                        + "/networks/NUMBER"
                case .otherNetwork: "give this network a data-directory of its own"
                default: "put the edition there that the authorities agreed on (nightjar-authority show-network)"
                }
            throw CommandFailure(
                """
                \(path): \(error). This authority has worked with version \(installed.version) of \(installed.name), \
                \(installed.digest.hex), and is given version \(given.version) of \(given.name), \(given.digest.hex): \
                \(advice)
                """, code: .refused)
        }
    }

    /// The edition of this version, if it is known.
    func edition(_ version: UInt32) -> NetworkFile? {
        version == current.version ? current : former.withLock { $0[version] }
    }

    /// The oldest one that is known.
    var oldest: NetworkFile {
        former.withLock { former in former.min { $0.key < $1.key }?.value } ?? current
    }

    /// Versions before the current one, ascending.
    var formerVersions: [UInt32] { former.withLock { $0.keys.sorted() } }

    /// All identities that had this name in the editions that are known.
    func identities(of name: Nickname) -> Set<Digest> {
        let files = former.withLock { Array($0.values) } + [current]
        return Set(files.compactMap { $0.authority(named: name)?.id })
    }

    /// Takes the edition before the oldest one, whoever it comes from: the digest says that it is the right one. False for
    /// anything else.
    func take(_ bytes: [UInt8]) throws(AuthorityStoreError) -> Bool {
        let next = oldest
        guard let file = try? UnverifiedNetworkFile(bytes), file.name == current.name,
            file.version == next.version - 1, file.digest == next.previous, let verified = try? file.verify()
        else { return false }
        try store.keep(Self.document(verified, verified.published))
        former.withLock { $0[verified.version] = verified }
        return true
    }

    /// Verifies a consensus with the edition that it was made under.
    func verify(_ unverified: UnverifiedConsensus) throws(ConsensusError) -> CertifiedConsensus {
        try unverified.verify(in: edition(unverified.networkVersion) ?? current)
    }

    /// The same from bytes.
    func verify(_ bytes: [UInt8]) throws(ConsensusError) -> CertifiedConsensus {
        let unverified: UnverifiedConsensus
        do throws(DocumentError) { unverified = try UnverifiedConsensus(bytes) } catch { throw .document(error) }
        return try verify(unverified)
    }

    private static func document(_ file: NetworkFile, _ received: Timestamp) -> StoredDocument {
        StoredDocument(
            digest: file.digest, kind: .network, slot: UInt64(file.version), received: received, bytes: file.bytes)
    }
}
