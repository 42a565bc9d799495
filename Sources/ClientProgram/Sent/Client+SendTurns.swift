// The commands' part in what `nightjar run` does for messages in the log while it does not run.

internal import Daemon
internal import Directory
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

extension Client {
    /// The log of messages sent, over an open store.
    func sentLog(_ records: RecordStore) -> SentLog { SentLog(records, memory: config.keepSent) }

    /// What a turn needs to answer for reliable messages; the keyring is opened only if there are any.
    func sendTurn(
        network: Network, log: SentLog, keyring: () throws -> Keyring
    ) throws -> SendTurn {
        let needsKeyring = try log.messages().contains {
            $0.network == network.name && $0.isReliable && $0.stage != .settled
        }
        return SendTurn(
            client: self, network: network, log: log,
            receipts: needsKeyring ? try receiptBlocks(network: network, keyring: keyring) : nil)
    }

    /// Does what is due for the messages of a network, and hands over the packets that come of it.
    /// - Returns: how many packets were made, and the first thing that went wrong with a message.
    func takeSendTurn(
        network: Network, queue: OutgoingQueue, log: SentLog, keyring: () throws -> Keyring, timeout: Interval?
    ) async throws -> (made: Int, failure: (any Error)?) {
        let turn = try sendTurn(network: network, log: log, keyring: keyring)
        var count = 0
        var unreachable: Set<NodeID> = []
        // Past nodes that do not answer: each round by other ones.
        for _ in 0..<Self.detours {
            let made = try turn.turn(
                at: time.clock.now(), queue: queue, unreachable: unreachable, removesReplaced: true
            ).made
            guard !made.isEmpty else { break }
            count += made.count
            let report = try await deliver(made, awaiting: made, from: queue, network: network, timeout: timeout)
            unreachable.formUnion(report.unreachable)
            guard report.leftCount > 0 else { break }
        }
        // What went wrong before goes wrong here once more, or is well by now.
        return (count, try turn.turn(at: time.clock.now(), queue: queue).failure)
    }

    /// Does what is due for reliable messages of a network while `nightjar run` does not serve it; opens nothing if there are
    /// none. What fails is told, as it concerns nothing that was asked for.
    func sendDue(_ network: Network, keyring: Keyring) async {
        do {
            guard ClientPlaces.isThere(places.records) else { return }
            let records = try records()
            defer { records.close() }
            let log = sentLog(records)
            let isNeeded = try log.messages().contains {
                $0.network == network.name && ($0.stage == .recorded || $0.isReliable && $0.stage != .settled)
            }
            guard isNeeded else { return }
            let queue = try await openQueue(network)
            defer { queue.close() }
            let (made, failure) = try await takeSendTurn(
                network: network, queue: queue, log: log, keyring: { keyring }, timeout: nil)
            if made > 0 { note("\(Count.text(made, "packet")) more sent for messages that have not arrived yet") }
            if let failure { throw failure }
        } catch {
            terminal.message("messages that have not arrived yet: \(CommandFailure(client: error).message)")
        }
    }

    /// How often other first nodes are tried within one command.
    static let detours = 3
}

extension DeliveryReport {
    /// First nodes that did not take their packets, for whatever reason but being busy.
    var unreachable: Set<NodeID> {
        Set(left.filter { $0.lastFailure != nil && $0.lastFailure != .postponed }.map(\.destination))
    }
}
