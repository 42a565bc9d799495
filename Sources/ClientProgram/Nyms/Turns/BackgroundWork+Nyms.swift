// The part of `nightjar run` that looks after nyms.

internal import Daemon
internal import Directory
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

extension BackgroundWork {
    /// What a look came to.
    struct NymLook: Sendable {
        /// Nyms whose server wants more work.
        var working: [OwnNym] = []
        /// What the user should know. The record in which it stands is no secret, so that no nym is named.
        var warnings: [String] = []
        var problem: String?
    }

    /// Does what is due for the nyms of a network.
    func tendNyms(_ network: Network, _ due: NymRoundsDue) -> NymLook {
        var look = NymLook()
        let now = client.time.clock.now()
        let turn = NymTurn(
            requests: NymRequests(client: client, network: network, records: records, keyring: keyring))
        if let failure = turn.take(
            at: now, looking: due.looks, resting: due.resting, refilling: due.refills
        ).failure {
            look.problem = "the nyms of network \(network.name): \(failure)"
        }
        do {
            try client.writeNymMaildirs(records)
            let book = NymBook(records)
            for nym in keyring.nyms() where nym.network == network.name {
                guard let state = try book.state(nym.address) else { continue }
                if state.stage == .pending, state.needsWork { look.working.append(nym) }
                if NymRequests.isDoubted(nym, network) {
                    look.warnings.append(
                        "nodes announce another key for the domain of one of your nyms; they are "
                            + "not used")
                }
                guard let warning = state.warnings(now: now).first else { continue }
                look.warnings.append("one of your nyms: \(warning) (see `nightjar nym status`)")
            }
        } catch {
            look.problem = look.problem ?? "the nyms of network \(network.name): \(error)"
        }
        return look
    }

    /// Moves links of this device to mailboxes of their own.
    func moveLinks(_ network: Network) async throws {
        try await client.moveLinks(network, keyring, records)
    }

    /// Does the work that the server of a nym asks for, and asks once more.
    func work(for nym: OwnNym, _ network: Network) async throws {
        let requests = NymRequests(client: client, network: network, records: records, keyring: keyring)
        _ = try await requests.repeatCreation(nym) { client.time.clock.now() }
    }
}
