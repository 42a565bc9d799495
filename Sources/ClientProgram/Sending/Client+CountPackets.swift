// `nightjar count-packets`: what a message would take, without sending it.

internal import Daemon
internal import Directory
internal import Messages
internal import WireFormat

extension Client {
    private struct PacketCount: Encodable {
        /// All packets of all messages.
        var packets: Int
        /// Of these, parts: without the copies.
        var parts: Int
        /// Messages, one for each exit, mailbox and key.
        var messages: Int
    }

    /// Prints how many packets `nightjar send` would make of a message.
    public func countPackets(_ request: SendRequest) throws {
        let status = try StatusLines(descriptor: request.statusDescriptor)
        let network = try network(request.network)
        let planner = PacketPlanner(
            network: network, options: try options(for: request, in: network), now: time.clock.now())
        var generator = SystemRandomNumberGenerator()
        var count = PacketCount(packets: 0, parts: 0, messages: 0)
        let messages = try compose(
            request, network: network, planner: planner,
            keyring: { try Keyring.open(self, passphrase: request.passphrase) })
        // A reply block for receipts is part of the message, and here only its size counts.
        let receipt = request.receipt == true ? [UInt8](repeating: 0, count: PayloadSize.replyBlock) : nil
        for message in messages {
            let cut = try planner.cut(
                encoded: message.encoded(receiptBlock: receipt, limit: planner.bodyLimit), demands: message.demands,
                using: &generator)
            count.packets += cut.packetCount
            count.parts += cut.parts.layout.parts
            count.messages += 1
        }
        try tell(count, json: request.json, status)
    }

    /// Prints how many packets, and so reply blocks, `nightjar reply` would need for a message.
    public func countReplyPackets(_ request: ReplyRequest) throws {
        let status = try StatusLines(descriptor: request.statusDescriptor)
        let network = try network(request.network)
        let planner = ReplyPlanner(
            network: network, options: try replyOptions(request, network), isDirect: request.isDirect,
            now: time.clock.now())
        let text = try MailInput.read(
            request.message, bodyLimit: planner.bodyLimit, blocks: ReplyRequest.maximumBlocks, terminal: terminal)
        let message = try composeReply(ReplyBlockText(text).rest, request.message, network: network)
        var generator = SystemRandomNumberGenerator()
        let parts = try planner.parts(of: message, using: &generator).layout.parts
        try tell(PacketCount(packets: parts, parts: parts, messages: 1), json: request.json, status)
    }

    private func tell(_ count: PacketCount, json: Bool, _ status: StatusLines) throws {
        status.write("COUNT_PACKETS", count.packets)
        try terminal.print(json ? JSONText.encode(count) : String(count.packets))
    }
}
