// What a status of the server changes.

internal import NymProtocol
internal import Spool
internal import WireFormat

/// What has to be done besides, after a status was taken.
enum NymConsequence: Hashable, Sendable {
    /// The file of a request is not needed any more, nor the message that carried it.
    case forget(NymState.Waiting)
    /// The new keys are the account's, or the server refused them.
    case rotated(Bool)
}

extension NymState {
    /// Takes what the server says. Taking it again, or an older one, changes nothing that matters: results are settled
    /// once, and what an older status says of the stock is put right by the next one.
    mutating func apply(_ status: NymStatus, at now: Timestamp) -> [NymConsequence] {
        report = Report(
            heard: now, waitingItems: status.waitingItems, heldItems: status.heldItems, surbs: status.surbs,
            waitingBytes: status.waitingBytes, usedBytes: status.usedBytes, quota: status.quota,
            surbsUntil: status.surbsUntil, generation: status.generation, budget: status.budget,
            closesOn: status.closesOn, difficulty: status.difficulty)
        return apply(results: status.results, at: now)
    }

    /// Takes results, of which those of other devices are passed over.
    mutating func apply(results: [NymResult], at now: Timestamp) -> [NymConsequence] {
        var consequences: [NymConsequence] = []
        for result in results where result.device == device {
            guard let request = waiting.first(where: { $0.number == result.number }) else {
                // Its result came before: the server has not heard of that yet.
                settle(result.number)
                continue
            }
            consequences += take(result, of: request, at: now)
            consequences.append(.forget(request))
            settle(result.number)
        }
        return consequences
    }

    private mutating func take(_ result: NymResult, of request: Waiting, at now: Timestamp) -> [NymConsequence] {
        let told = Result(code: result.code.rawValue, text: result.text, heard: now)
        // The first command that fails is told; the others of the request were executed.
        let isExecuted = result.code != .closed && result.code != .malformed
        if isExecuted {
            let items = Set(request.acknowledged)
            unacknowledged.removeAll { items.contains($0) }
        }
        switch request.purpose {
        case .create: takeCreation(result)
        case .send:
            if let index = sent.firstIndex(where: { $0.number == request.number }) { sent[index].result = told }
        case .policy, .get: lastChange = told
        case .alias:
            lastChange = told
            if result.code != .done { aliases.removeAll { $0 == request.alias } }
        case .rotate:
            lastChange = told
            return [.rotated(result.code == .done)]
        case .close:
            stage = .closed
            reason = "closed as you asked"
        case .stock, .refill: break
        }
        if result.code == .closed, stage == .active {
            stage = .closed
            reason = result.text
        }
        return []
    }

    private mutating func takeCreation(_ result: NymResult) {
        // Anything after the creation itself failed only in its own part.
        guard result.command == 0, result.code != .done else {
            stage = .active
            reason = ""
            needsWork = false
            return
        }
        switch result.code {
        case .needsWork:
            difficulty = result.bits
            needsWork = Int(result.bits) <= ProofOfWork.mostBits
            if !needsWork {
                stage = .refused
                reason = "the server asks for \(result.bits) bits of work, which is more than anybody should do"
            }
        case .nameTaken:
            stage = .refused
            reason = "somebody has this name, or had it; choose another"
        case .nameReserved:
            stage = .refused
            reason = "the server gives this name to nobody; choose another"
        case .full:
            stage = .refused
            reason = "the server takes no more nyms now; try again later, or choose another server"
        default:
            stage = .refused
            reason = result.text.isEmpty ? "the server refused it" : result.text
        }
    }
}

extension NymState.Result {
    /// For people: `accepted`, `over budget: ...`.
    var words: String {
        let what =
            switch NymResultCode(rawValue: code) {
            case .done: "accepted"
            case .nameTaken: "name taken"
            case .nameReserved: "name reserved"
            case .needsWork: "needs more work"
            case .notAllowed: "not allowed"
            case .overBudget: "over budget"
            case .tooLarge: "too large"
            case .badRecipient: "bad recipient"
            case .declined: "declined"
            case .unknownItem: "unknown item"
            case .full: "no room"
            case .malformed: "refused"
            case .closed: "closed"
            case nil: "answer \(code)"
            }
        return text.isEmpty ? what : "\(what): \(text)"
    }
}
