// A listener of a real link that answers DIRECTORY frames as a test wants.

import Directory
import MMTP
import MixCrypto
import NIOCore
import NIOPosix
import Synchronization
import WireFormat

@testable import DirectoryService

/// Answers questions with what a closure says.
final class NodeStandIn: BlockResponder {
    /// What to do with a question.
    enum Reply {
        case block(DirectoryBlock)
        case bytes([UInt8])
        case rejected(RejectReason)
        /// Nothing, ever; the duty to answer is kept, so that the connection stays.
        case silence
        /// The duty is dropped, which closes the connection.
        case closed
    }

    private let answer: @Sendable (DirectoryRequest) -> Reply
    private let asked = Mutex<[DirectoryRequest]>([])
    private let kept = Mutex<[@Sendable (Answer, [UInt8]) -> Void]>([])

    init(_ answer: @escaping @Sendable (DirectoryRequest) -> Reply) { self.answer = answer }

    convenience init(_ shelf: DirectoryShelf) { self.init { .block(shelf.answer($0)) } }

    var questions: [DirectoryRequest] { asked.withLock { $0 } }

    func respond(to type: FrameType, body: [UInt8], reply: @escaping @Sendable (Answer, [UInt8]) -> Void) {
        guard type == .directory, let request = try? DirectoryRequest(decoding: body) else {
            return reply(.rejected(.malformed), [])
        }
        asked.withLock { $0.append(request) }
        switch answer(request) {
        case .block(let block): reply(.received, block.encoded)
        case .bytes(let bytes): reply(.received, bytes)
        case .rejected(let reason): reply(.rejected(reason), [])
        case .silence: kept.withLock { $0.append(reply) }
        case .closed: break
        }
    }
}

/// Nobody sends packets here.
private struct NoPackets: PacketReceiver {
    func receive(_ packets: [InboundPacket]) { for packet in packets { packet.answer(.rejected(.busy)) } }
}

/// A listener with a stand-in behind it.
struct StandInLink {
    let standIn: NodeStandIn
    let node: NodeID
    let listener: MMTPListener

    static func start(_ standIn: NodeStandIn) async throws -> StandInLink {
        let key = try SigningKey.generate()
        var configuration = ListenerConfiguration()
        configuration.limits = .singleBlock
        let listener = try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: 0)], identity: LinkIdentity(key, now: AuthorityBench.now),
            receiver: NoPackets(), responder: standIn, configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton, clock: { AuthorityBench.now }, count: { _, _ in })
        return StandInLink(standIn: standIn, node: key.verificationKey.nodeID, listener: listener)
    }

    /// The link as a source.
    func source(
        node: NodeID? = nil, deadline: Interval = .minutes(2), newest: (@Sendable () -> ConsensusLink?)? = nil
    ) throws -> LinkSource {
        let dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { AuthorityBench.now })
        return LinkSource(
            name: "node", node: node ?? self.node, addresses: listener.addresses, dialer: dialer, deadline: deadline,
            newest: newest)
    }

    func stop() async { await listener.shutdown(grace: .milliseconds(100)) }
}
