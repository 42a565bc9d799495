internal import Forwarding
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

/// Hands what the intake has made durable to the parts that go on with it.
struct NodeOutcomes: IntakeOutcomes {
    let forwarder: Forwarder
    let reassembler: Reassembler?
    let replyMail: ReplyMail?
    let cover: CoverTraffic
    let counters: NodeCounters

    func accepted(_ packets: [WaitingPacket]) { forwarder.add(packets) }
    func completed(_ message: MessageID, release: Timestamp) { reassembler?.rebuild(message, release: release) }
    func loopReturned(_ loop: LoopID) { cover.returned(loop) }
    func replyBoxed() { counters.count("mailbox_blocks", kind: "stored_reply") }
    func replyKept(_ item: ItemRowID) { replyMail?.deliver(item) }
}
