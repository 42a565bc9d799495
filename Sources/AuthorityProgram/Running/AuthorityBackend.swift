// What an authority serves and takes over HTTP.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

/// The routes, on top of the authority's parts.
struct AuthorityBackend: DirectoryBackend {
    let parts: AuthorityParts
    let registry: NodeRegistry
    let optOuts: OptOutDesk
    let driver: SlotDriver
    let publication: Publication
    /// Reads from the disk.
    let readers: WorkThreads
    let pages: HealthPages

    func served(_ route: DirectoryRoute) async throws -> ServedDocument? {
        switch route {
        case .consensus: return publication.consensus
        case .network: return ServedDocument(parts.network.bytes, tag: parts.network.digest)
        case .networkVersion(let version) where version == parts.network.version:
            return ServedDocument(parts.network.bytes, tag: parts.network.digest, lifetime: .forever)
        case .descriptors:
            let publication = publication
            return try await readers.run {
                Result { () throws(AuthorityStoreError) in try publication.bundle() }
            }.get()
        case .slots: return await pages.slots()
        case .reports: return ServedDocument(await driver.reports.list())
        case .page(let path): return await pages.page(path)
        default:
            let store = parts.store
            return try await readers.run {
                Result { () throws(AuthorityStoreError) in try Self.stored(route, store) }
            }.get()
        }
    }

    /// What is read from the disk for every request.
    private static func stored(
        _ route: DirectoryRoute, _ store: AuthorityStore
    ) throws(AuthorityStoreError) -> ServedDocument? {
        switch route {
        case .consensusAt(let slot):
            return try store.consensus(slot: slot).map { ServedDocument($0.bytes, tag: $0.digest) }
        case .document(let digest):
            return try store.document(digest).map { ServedDocument($0.bytes, tag: digest, lifetime: .forever) }
        case .networkVersion(let version):
            return try store.network(version: version).map {
                ServedDocument($0.bytes, tag: $0.digest, lifetime: .forever)
            }
        case .votes(let slot):
            let votes = try store.index(.vote, slot: slot)
            return votes.isEmpty
                ? nil : ServedDocument(Array(votes.map { "vote \($0.authority) \($0.digest.hex)\n" }.joined().utf8))
        case .signatures(let slot):
            let signatures = try store.signatures(slot: slot)
            return signatures.isEmpty ? nil : ServedDocument(SignatureList.join(signatures))
        case .evidence: return ServedDocument(EvidenceList.text(try store.evidence()))
        case .consensus, .descriptors, .network, .slots, .reports, .page: return nil
        }
    }

    func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        if kind == .optOuts { return await optOuts.receive(bytes) }
        guard kind == .descriptor else { return await driver.receive(bytes, as: kind) }
        guard driver.intake.enter() else { return .busy(retryAfter: .seconds(2)) }
        defer { driver.intake.leave() }
        switch await registry.take(bytes) {
        case .stored:
            parts.counters.count("descriptors", kind: "stored")
            return .stored
        case .known: return .known
        case .malformed(let words):
            parts.counters.count("descriptors", kind: "malformed")
            return .malformed(words)
        case .refused(let refusal):
            parts.counters.count("descriptors", kind: refusal.label)
            return refusal.isConflict ? .conflict(refusal.words) : .refused(refusal.words)
        case .busy(let wait):
            parts.counters.count("descriptors", kind: "busy")
            return .busy(retryAfter: max(wait, .seconds(1)))
        case .unavailable:
            parts.counters.count("descriptors", kind: "not_stored")
            return .busy(retryAfter: .minutes(1))
        }
    }
}
