import Directory
import DirectoryService
import Synchronization
import WireFormat

/// A source that says what a test wants.
final class ScriptedSource: DirectorySource {
    let name: String
    private let certified: [UInt8]?
    private let failure: FetchError?
    private let documents: [[UInt8]]
    private let editions: [UInt32: [UInt8]]
    private let papers: [Digest: [UInt8]]
    private let isStuck: Bool
    private let questions = Mutex(0)
    /// How often it was asked for anything.
    var asked: Int { questions.withLock { $0 } }

    init(
        _ name: String, _ certified: [UInt8]? = nil, documents: [[UInt8]] = [], editions: [UInt32: [UInt8]] = [:],
        papers: [Digest: [UInt8]] = [:], failure: FetchError? = nil, isStuck: Bool = false
    ) {
        self.name = name
        self.certified = certified
        self.documents = documents
        self.editions = editions
        self.papers = papers
        self.failure = failure
        self.isStuck = isStuck
    }

    private func count() throws(FetchError) {
        questions.withLock { $0 += 1 }
        if let failure { throw failure }
    }

    func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        try count()
        // Until it is cancelled.
        if isStuck { try? await Task.sleep(for: .seconds(600)) }
        return certified
    }

    func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        try count()
        return documents
    }

    func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] {
        try count()
        guard let bytes = editions[version ?? 1] else { throw .notFound }
        return bytes
    }

    func document(_ digest: Digest) async throws(FetchError) -> [UInt8] {
        try count()
        guard let bytes = papers[digest] else { throw .notFound }
        return bytes
    }
}
