// The door and the lists of opt-outs, put around an exit's store of records.

internal import Directory
internal import Exits
internal import MixCrypto
internal import WireFormat

/// What an exit's opt-outs need of the node.
struct OptOutParts: Sendable {
    /// Name of the network.
    var network: String
    var node: NodeID
    var keeper: OptOutKeeper
    var statement: OwnStatement
    /// Makes the tokens of links.
    var linkKey: SymmetricSecret
    /// How people find another exit.
    var describe: @Sendable (NodeID) -> String
}

extension ExitServices {
    /// What the gate and the desk ask.
    var wishes: RecipientWishes { optOuts?.desk.wishes ?? .unknown }

    /// Opens the lists, and at an exit with a gateway the door.
    func optOuts(
        _ parts: OptOutParts, exit: ExitSettings, clock: @escaping @Sendable () -> Timestamp,
        count: @escaping @Sendable (String) -> Void
    ) throws -> OptOutServices {
        let desk = try OptOutDesk(
            records: records, list: parts.keeper.list, statement: parts.statement, linkKey: parts.linkKey,
            domain: exit.gateway?.domain, clock: clock, count: count,
            isReady: { [keeper = parts.keeper] in keeper.isReady(at: clock()) })
        guard let gateway = exit.gateway else { return OptOutServices(desk: desk, door: nil, sender: nil) }
        let sender = try exit.smtp.map { try ConfirmationSender($0) }
        var send: (@Sendable (SMTPMail) -> ExitOutcome)?
        if let sender { send = { sender.send($0) } }
        let door = OptOutDoor(
            desk,
            OptOutDoor.Surroundings(
                domain: gateway.domain,
                mail: ConfirmationMail(identity: exit.identity, domain: gateway.domain, network: parts.network),
                send: send, describe: parts.describe, node: parts.node,
                needsOptIn: exit.level == .optedIn,
                clock: clock, count: count))
        return OptOutServices(desk: desk, door: door, sender: sender)
    }
}

/// An exit's opt-outs.
struct OptOutServices: Sendable {
    let desk: OptOutDesk
    /// Nil without a gateway.
    let door: OptOutDoor?
    /// Nil at an exit without a gateway, or that sends no mail.
    let sender: ConfirmationSender?

    /// Ends what is under way.
    func close() async {
        desk.drain()
        await sender?.close()
    }
}
