// The mail server that everything for the outside goes to, as the parts of the server use it.

internal import Dispatch
internal import Exits
internal import Synchronization

/// Hands mail over.
struct MailServer: Sendable {
    let client: SMTPClient
    let operatorAddress: MailRecipient

    /// Hands a mail for the operator over as it came, and waits. For threads that may block.
    func forward(_ content: [UInt8]) -> ExitOutcome {
        var scan = BodyScan()
        scan.update(content)
        let facts = scan.finish()
        if let reason = facts.refusal { return .refused(reason, code: nil) }
        let mail = SMTPMail(
            envelope: SMTPEnvelope(
                // Nobody is told if it fails: it may be a notice itself.
                sender: nil, recipients: [operatorAddress], wireBytes: facts.wireBytes, hasEightBit: facts.hasEightBit),
            head: [], body: ExitBody(bytes: content))
        let (done, outcome) = (DispatchSemaphore(value: 0), OutcomeBox())
        Task {
            outcome.set(await client.deliver(mail).first)
            done.signal()
        }
        done.wait()
        return outcome.value ?? .deferred(.unknown)
    }
}

/// Carries an outcome from a task to the thread that waits for it.
private final class OutcomeBox: Sendable {
    private let state = Mutex<ExitOutcome?>(nil)
    func set(_ outcome: ExitOutcome?) { state.withLock { $0 = outcome } }
    var value: ExitOutcome? { state.withLock { $0 } }
}
