// What everybody asks for, ready to be served: the newest consensus and the descriptors that it names.

internal import Directory
internal import DirectoryService
internal import Spool
internal import Synchronization

/// The newest consensus, with its bundle.
final class Publication: Sendable {
    private struct State {
        var certified: CertifiedConsensus?
        var consensus: ServedDocument?
        var bundle: ServedDocument?
        /// Told when something new is there.
        var observers: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())
    private let store: AuthorityStore

    init(store: AuthorityStore) { self.store = store }

    /// A newer consensus, or the same with more signatures.
    func update(_ certified: CertifiedConsensus) {
        let served = ServedDocument(certified.bytes, tag: certified.link.digest)
        let observers = state.withLock { state in
            if state.certified?.link != certified.link { state.bundle = nil }
            state.certified = certified
            state.consensus = served
            return state.observers
        }
        for observer in observers { observer() }
    }

    /// Descriptors have come that were missing.
    func descriptorsChanged() {
        let observers = state.withLock { state in
            state.bundle = nil
            return state.observers
        }
        for observer in observers { observer() }
    }

    /// Calls `observer`, which must return at once, whenever something new is there.
    func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observers.append(observer) } }

    var certified: CertifiedConsensus? { state.withLock { $0.certified } }
    var consensus: ServedDocument? { state.withLock { $0.consensus } }

    /// All descriptors of the newest consensus that are here. Reads them from the disk the first time.
    func bundle() throws(AuthorityStoreError) -> ServedDocument? {
        let (ready, certified) = state.withLock { ($0.bundle, $0.certified) }
        if let ready { return ready }
        guard let certified else { return nil }
        var bytes: [UInt8] = []
        for node in certified.consensus.nodes {
            guard let found = try store.document(node.descriptor)?.bytes,
                bytes.count + found.count <= DescriptorBundle.maximumSize
            else { continue }
            bytes += found
        }
        let made = ServedDocument(bytes)
        state.withLock { state in
            if state.certified?.link == certified.link { state.bundle = made }
        }
        return made
    }
}
