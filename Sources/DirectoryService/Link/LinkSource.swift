// The directory as any node serves it, over MMTP (doc/LINK.md, DIRECTORY frames). Nothing that comes is believed: whoever
// uses a source verifies. Bounded in size, in time, and in what is under way.

public import Directory
public import MMTP
public import WireFormat

/// A node as a source of the directory. Each question has a connection of its own.
public struct LinkSource: DirectorySource {
    public let name: String
    private let node: NodeID
    private let addresses: [LinkAddress]
    private let dialer: MMTPDialer
    private let deadline: Interval
    private let newest: (@Sendable () -> ConsensusLink?)?

    /// Questions under way at a time.
    private static let window = LinkFrame.askWindow

    /// - Parameters:
    ///   - name: for people.
    ///   - deadline: the longest that a whole answer may take, in real time.
    ///   - newest: what to tell the node that is known here. For nodes; a client that told would be known again by it.
    public init(
        name: String, node: NodeID, addresses: [LinkAddress], dialer: MMTPDialer, deadline: Interval = .minutes(5),
        newest: (@Sendable () -> ConsensusLink?)? = nil
    ) {
        self.name = name
        self.node = node
        self.addresses = addresses
        self.dialer = dialer
        self.deadline = deadline
        self.newest = newest
    }

    /// The node's newest consensus; nil if that is `known`, or of an earlier slot. One of the same slot with another digest
    /// is given: it is for the caller to judge who lies.
    public func consensus(newerThan known: ConsensusLink?) async throws(FetchError) -> [UInt8]? {
        try await connected { (connection: MMTPConnection) async throws(FetchError) -> [UInt8]? in
            let first = try await ask(DirectoryRequest(.latest), on: connection)
            guard first.status == .ok, let link = first.newest else { throw Self.failure(first) }
            if let known, link == known || link.slot < known.slot { return nil }
            return try await whole(.consensus(link), after: first, limit: Consensus.maximumSize, on: connection)
        }
    }

    public func descriptors(_ digests: [Digest], outOf total: Int) async throws(FetchError) -> [[UInt8]] {
        guard !digests.isEmpty else { return [] }
        return try await connected { (connection: MMTPConnection) async throws(FetchError) -> [[UInt8]] in
            var found: [[UInt8]] = []
            let wanted = Array(Set(digests)).sorted().prefix(Consensus.maximumNodes)
            var size = 0
            for start in stride(from: 0, to: wanted.count, by: DirectoryRequest.maximumDigests) {
                let some = Array(wanted[start..<min(start + DirectoryRequest.maximumDigests, wanted.count)])
                let first = try await ask(DirectoryRequest(.documents(some)), on: connection)
                // Who has none of these may have some of the others.
                if first.status == .unknown { continue }
                let limit = DescriptorBundle.maximumSize - size
                let bundle = try await whole(.documents(some), after: first, limit: limit, on: connection)
                size += bundle.count
                found += DescriptorBundle.split(bundle).map(Array.init)
            }
            return found
        }
    }

    public func networkFile(_ version: UInt32?) async throws(FetchError) -> [UInt8] {
        try await one(.networkFile(version), limit: NetworkFile.maximumSize)
    }

    public func document(_ digest: Digest) async throws(FetchError) -> [UInt8] {
        try await one(.documents([digest]), limit: DirectoryLimits.documentSize)
    }

    private func one(_ subject: DirectoryRequest.Subject, limit: Int) async throws(FetchError) -> [UInt8] {
        try await connected { (connection: MMTPConnection) async throws(FetchError) -> [UInt8] in
            let first = try await ask(DirectoryRequest(subject), on: connection)
            return try await whole(subject, after: first, limit: limit, on: connection)
        }
    }

    // MARK: Blocks

    /// All of a subject, of which the first block is here.
    private func whole(
        _ subject: DirectoryRequest.Subject, after first: DirectoryBlock, limit: Int, on connection: MMTPConnection
    ) async throws(FetchError) -> [UInt8] {
        guard first.status == .ok else { throw Self.failure(first) }
        guard first.block == 0 else { throw .malformed("another block than was asked for") }
        let total = Int(first.total)
        guard total <= limit else { throw .tooLarge(limit) }
        var blocks: [[UInt8]] = [first.bytes]
        let count = DirectoryBlock.count(of: total)
        while blocks.count < count {
            blocks += try await some(
                subject, blocks.count..<min(blocks.count + Self.window, count), total: total, on: connection)
        }
        return Array(blocks.joined())
    }

    /// The blocks of a range, asked for together.
    private func some(
        _ subject: DirectoryRequest.Subject, _ range: Range<Int>, total: Int, on connection: MMTPConnection
    ) async throws(FetchError) -> [[UInt8]] {
        let results = await withTaskGroup(of: (Int, Result<DirectoryBlock, FetchError>).self) { group in
            for number in range {
                group.addTask {
                    do throws(FetchError) {
                        let request = DirectoryRequest(subject, block: UInt32(number))
                        return (number, .success(try await ask(request, on: connection)))
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var blocks: [[UInt8]] = []
        for number in range {
            guard let block = try results[number]?.get() else { throw .closed }
            guard block.status == .ok else { throw Self.failure(block) }
            guard block.block == UInt32(number), Int(block.total) == total else {
                throw .malformed("its blocks do not fit together")
            }
            blocks.append(block.bytes)
        }
        return blocks
    }

    private func ask(
        _ request: DirectoryRequest, on connection: MMTPConnection
    ) async throws(FetchError) -> DirectoryBlock {
        var request = request
        request.newest = newest?()
        let result: (answer: Answer, block: [UInt8])
        do throws(DialFailure) { result = try await connection.ask(.directory, body: request.encoded) } catch {
            throw Self.failure(error)
        }
        guard case .received = result.answer else {
            throw .unreachable("the node does not answer questions now")
        }
        do throws(WireError) { return try DirectoryBlock(decoding: result.block) } catch {
            throw .malformed("not a block of the directory")
        }
    }

    // MARK: Connections

    /// Opens a connection for `body`, and ends it when the time is up or the task is cancelled.
    private func connected<Value: Sendable>(
        _ body: @escaping @Sendable (MMTPConnection) async throws(FetchError) -> Value
    ) async throws(FetchError) -> Value {
        let connection: MMTPConnection
        do throws(DialFailure) { connection = try await dialer.connect(to: node, at: addresses) } catch {
            throw Self.failure(error)
        }
        // The answers of a node that sends one now and then never stop; closing makes every question end.
        let timer = Task { [deadline] in
            try await Task.sleep(for: .milliseconds(deadline.milliseconds))
            connection.close()
        }
        defer {
            timer.cancel()
            connection.close()
        }
        let start = ContinuousClock.now
        let result: Result<Value, FetchError> = await withTaskCancellationHandler {
            do throws(FetchError) { return .success(try await body(connection)) } catch { return .failure(error) }
        } onCancel: {
            connection.close()
        }
        switch result {
        case .success(let value): return value
        case .failure where Task.isCancelled: throw .cancelled
        case .failure where start.duration(to: .now) >= .milliseconds(deadline.milliseconds): throw .timeout
        case .failure(let error): throw error
        }
    }

    private static func failure(_ block: DirectoryBlock) -> FetchError {
        switch block.status {
        case .busy: .unreachable("the node is busy")
        case .unknown, .ok: .notFound
        }
    }

    private static func failure(_ failure: DialFailure) -> FetchError {
        switch failure {
        case .silence, .handshakeTimeout: .timeout
        case .closed: .closed
        case .violation: .malformed("it does not follow the protocol")
        default: .unreachable(failure.description)
        }
    }
}
