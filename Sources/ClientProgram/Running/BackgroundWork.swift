// What the background client does besides sending and polling: packets of what the user has given, and cleaning. All of it
// waits for disks and computes, so it is done on threads of its own, where it holds nobody up: the stream least of all.

internal import Daemon
internal import Directory
internal import Dispatch
internal import Messages
internal import Spool
internal import WireFormat

/// Work that blocks.
struct BackgroundWork: Sendable {
    let client: Client
    let records: RecordStore
    let keyring: Keyring

    private static let queue = DispatchQueue(label: "nightjar.run.work", qos: .utility)

    /// Does something blocking without holding up the tasks of the program.
    func perform<Result: Sendable>(
        _ body: @escaping @Sendable (BackgroundWork) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Swift.Result { try body(self) }) }
        }
    }

    /// Makes packets of what was given to be sent, and of what has to be sent once more.
    /// - Parameter unreachable: first nodes that do not take their packets.
    /// - Returns: the packets, which are in the queue; packets of answers that were given up; and what went wrong. Answers
    ///   and messages do not hold each other up.
    func makePackets(
        _ network: Network, queue: OutgoingQueue, unreachable: Set<NodeID>
    ) -> (packets: [WaitingPacket], lost: Int, problem: String?) {
        let now = client.time.clock.now()
        var packets: [WaitingPacket] = []
        var lost = 0
        var failures: [any Error] = []
        do {
            let answers = PendingReplies(records)
            lost = try answers.giveUp(network: network.name, now: now)
            packets += try answers.move(to: queue, network: network.name, now: now)
        } catch {
            failures.append(error)
        }
        do {
            let turn = try client.sendTurn(network: network, log: client.sentLog(records)) { keyring }
                .turn(at: now, queue: queue, unreachable: unreachable)
            packets += turn.made
            if let failure = turn.failure { failures.append(failure) }
        } catch {
            failures.append(error)
        }
        guard !failures.isEmpty else { return (packets, lost, nil) }
        let reasons = failures.map { "\($0)" }.joined(separator: "; ")
        return (packets, lost, "what waits to be sent to network \(network.name): \(reasons)")
    }

    /// Takes in what other processes have changed in the keyring.
    func refreshKeyring() throws { try keyring.refresh() }

    /// Removes what has expired and replaces secrets that are due, at a time that has nothing to do with their use.
    func clean() throws {
        let now = client.time.clock.now()
        for identity in keyring.identities() { _ = try keyring.currentMaker(identity: identity.name, at: now) }
        try records.expire(now: now)
        let log = client.sentLog(records)
        try log.expire(at: now)
        try Outbox(client.places).clean(keeping: log.messages())
        try client.received(records).clean(keep: client.config.inbox.keepRead, now: now)
    }
}
