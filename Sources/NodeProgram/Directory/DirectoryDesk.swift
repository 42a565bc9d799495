// Answers DIRECTORY frames: every node, with mailboxes or without, gives out the consensus that it has, the descriptors, and
// the network files, so that the public need never come to an authority. Nothing is signed or verified here; whoever asks
// does that himself.

internal import Directory
internal import Dispatch
internal import MMTP
internal import Synchronization
internal import WireFormat

final class DirectoryDesk: BlockResponder {
    /// Consensuses that others have and that contradict ours, at most so many: anyone can claim one.
    static let maximumSuspicions = 4

    private struct State {
        var shelf = DirectoryShelf()
        var suspicions: [ConsensusLink] = []
    }
    private let state = Mutex(State())
    private let count: @Sendable (_ name: String, _ kind: String) -> Void
    private let queue = DispatchQueue(label: "nightjar.directory")

    /// - Parameter count: told of the kinds of what happened: `directory_requests`, `directory_gossip`.
    init(count: @escaping @Sendable (_ name: String, _ kind: String) -> Void) { self.count = count }

    /// Puts what the node has now on the shelf.
    func update(_ network: Network, networkFiles: [NetworkFile], statements: [OptOutStatement] = []) {
        state.withLock { state in
            for file in networkFiles + [network.root] {
                state.shelf.put(networkFile: file.version, bytes: file.bytes)
            }
            guard let consensus = network.consensus else { return }
            state.shelf.put(
                consensus.link, bytes: consensus.bytes,
                documents: network.nodes.map { ($0.digest, $0.bytes) } + statements.map { ($0.digest, $0.bytes) })
        }
    }

    /// The newest consensus on the shelf.
    var newest: ConsensusLink? { state.withLock { $0.shelf.newest } }

    /// Takes what askers said they have that cannot be if what is here is right. Most of it will be made up.
    func takeSuspicions() -> [ConsensusLink] {
        state.withLock { state in
            defer { state.suspicions = [] }
            return state.suspicions
        }
    }

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        guard type == .directory else { return reply(.rejected(.malformed), []) }
        queue.async { [self] in
            guard let request = try? DirectoryRequest(decoding: body) else {
                count("directory_requests", "malformed")
                return reply(.rejected(.malformed), [])
            }
            reply(.received, answer(request).encoded)
        }
    }

    /// The answer to a question.
    func answer(_ request: DirectoryRequest) -> DirectoryBlock {
        if let claimed = request.newest { compare(claimed) }
        // A copy, so that the lock is not held while a block is put together.
        let shelf = state.withLock { $0.shelf }
        let block = shelf.answer(request)
        switch block.status {
        case .ok: count("directory_requests", "answered")
        case .unknown, .busy: count("directory_requests", "unknown")
        }
        return block
    }

    private func compare(_ claimed: ConsensusLink) {
        let kind = state.withLock { state in
            guard let newest = state.shelf.newest, claimed.slot <= newest.slot else { return "newer" }
            guard let here = state.shelf.link(at: claimed.slot) else { return "older" }
            guard here != claimed else { return "same" }
            if !state.suspicions.contains(claimed), state.suspicions.count < Self.maximumSuspicions {
                state.suspicions.append(claimed)
            }
            return "contradicting"
        }
        count("directory_gossip", kind)
    }

    /// Waits until everything asked for so far is answered.
    func drain() { queue.sync {} }
}

/// Hands each frame that asks for a block to whoever answers its kind.
struct BlockRouter: BlockResponder {
    let directory: DirectoryDesk
    /// Nil for a node without mailboxes.
    let mailboxes: MailboxDesk?

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        if type == .directory { return directory.respond(to: type, body: body, reply: reply) }
        guard let mailboxes else { return reply(.rejected(.malformed), []) }
        mailboxes.respond(to: type, body: body, reply: reply)
    }
}
