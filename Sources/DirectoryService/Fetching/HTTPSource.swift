public import Directory
internal import MixCrypto
public import WireFormat

/// An authority or a mirror of one, asked over HTTP.
public struct HTTPSource: DirectorySource {
    /// Documents that are fetched at the same time, each on a connection of its own that the next one uses again.
    static let fetchedAtOnce = 8

    private let url: DirectoryURL
    private let client: DirectoryHTTPClient

    /// Asks at `url`, such as `http://authority.example:8443` or `https://mirror.example/nightjar`.
    public init(url: String, client: DirectoryHTTPClient) throws(FetchError) {
        self.url = try DirectoryURL(url)
        self.client = client
    }

    public var name: String { url.description }

    public func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        let answer = try await client.get(
            address(.consensus), limit: DirectoryLimits.documentSize, unless: known?.digest)
        guard case .document(let bytes) = answer else { return nil }
        // A mirror of files has other tags than an authority, and gives the same consensus once more.
        if let known, let offered = try? UnverifiedConsensus(bytes), offered.link == known { return nil }
        return bytes
    }

    /// Fetches the bundle of all descriptors once if more than a quarter is missing, and singly whatever else is missing: a
    /// bundle has a largest size and may lack some. Those that the source does not have are left out.
    public func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        guard Self.wantsBundle(missing: digests.count, total: total) else { return try await singly(digests) }
        let bundle: [[UInt8]]
        do throws(FetchError) {
            let bytes = try await bytes(.descriptors, limit: DescriptorBundle.maximumSize)
            bundle = DescriptorBundle.split(bytes).map(Array.init)
        } catch {
            switch error {
            // Only the bundle is not to be had.
            case .notFound, .tooLarge: return try await singly(digests)
            default: throw error
            }
        }
        let found = Set(bundle.map(Self.digest))
        let rest = digests.filter { !found.contains($0) }
        guard !rest.isEmpty else { return bundle }
        // What has come is of use even if nothing more does.
        let others = (try? await singly(rest)) ?? []
        return bundle + others
    }

    /// The digest of a descriptor that nobody has verified: of what stands before the line `signature`.
    static func digest(_ descriptor: [UInt8]) -> Digest {
        let line = Array("\nsignature\n".utf8)
        var start = descriptor.startIndex
        while let feed = descriptor[start...].firstIndex(of: line[0]) {
            if descriptor[feed...].starts(with: line) { return .sha256(Array(descriptor[...feed])) }
            start = feed + 1
        }
        return .sha256(descriptor)
    }

    private func singly(_ digests: [Digest]) async throws(FetchError) -> [[UInt8]] {
        let results = await withTaskGroup(of: Result<[UInt8], FetchError>.self) { group in
            var rest = digests[...]
            var results: [Result<[UInt8], FetchError>] = []
            for _ in 0..<Self.fetchedAtOnce {
                if let digest = rest.popFirst() { group.addTask { await descriptor(digest) } }
            }
            while let result = await group.next() {
                results.append(result)
                // After an error that is not about a document, such as a lost connection, no further ones are begun.
                if case .failure(let error) = result, error != .notFound { rest = [] }
                if let digest = rest.popFirst() { group.addTask { await descriptor(digest) } }
            }
            return results
        }
        let found = results.compactMap { try? $0.get() }
        if found.isEmpty, let failure = results.first { _ = try failure.get() }
        return found
    }

    public func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] {
        try await bytes(version.map(DirectoryRoute.networkVersion) ?? .network, limit: DirectoryLimits.documentSize)
    }

    public func document(_ digest: Digest) async throws(FetchError) -> [UInt8] {
        try await bytes(.document(digest), limit: DirectoryLimits.documentSize)
    }

    /// Whatever else the source serves, such as votes of a slot, at most `limit` bytes.
    public func bytes(_ route: DirectoryRoute, limit: Int) async throws(FetchError) -> [UInt8] {
        switch try await client.get(address(route), limit: limit) {
        case .document(let bytes): return bytes
        case .unchanged: throw .malformed("304, though nothing was said to be known")
        }
    }

    /// Whether all descriptors in one piece cost less than the missing ones singly.
    static func wantsBundle(missing: Int, total: Int) -> Bool { missing > max(1, total / 4) }

    private func descriptor(_ digest: Digest) async -> Result<[UInt8], FetchError> {
        do throws(FetchError) {
            return .success(try await bytes(.document(digest), limit: DirectoryUpload.descriptor.mostBytes))
        } catch {
            return .failure(error)
        }
    }

    private func address(_ route: DirectoryRoute) -> String { url.appending(route.name) }
}
