// What a status of the server changes.

internal import NymProtocol
internal import Spool
internal import WireFormat

/// What has to be done besides, after a status was taken.
enum NymConsequence: Hashable, Sendable {
    /// The file of a request is not needed any more, nor the message that carried it.
    case forget(NymState.Waiting)
}

extension NymState {
    /// Takes what the server says. Taking it again, or an older one, changes nothing that matters: results are settled
    /// once, and what a status of an earlier day or generation says of the stock is passed over.
    mutating func apply(_ status: NymStatus, at now: Timestamp) -> [NymConsequence] {
        var consequences = apply(results: status.results, at: now)
        // What a mailbox has kept was said when it was said, not when it was fetched.
        let said = min(now, NymTiming.start(ofDay: status.day) + .days(1))
        let order = (status.generation, status.day)
        if let report, order < (report.generation, report.day) { return consequences }
        if status.isReplaced {
            if isPrimary, status.generation > generation { consequences += giveWay(at: now) }
        } else if replaced != nil, status.generation >= generation {
            // It came through a block of ours that counts: what was told was of a stock before that.
            (isPrimary, replaced) = (true, nil)
        }
        // A stock of ours that these files know nothing of: they are a copy from before it was made.
        generation = max(generation, status.generation)
        if !waiting.contains(where: { $0.purpose == .policy }), stage == .active { packets = status.packets }
        report = Report(
            heard: max(said, report?.heard ?? said), day: status.day, packets: status.packets,
            waitingItems: status.waitingItems, heldItems: status.heldItems, surbs: status.surbs,
            waitingBytes: status.waitingBytes, usedBytes: status.usedBytes, quota: status.quota,
            surbsUntil: status.surbsUntil, generation: status.generation, budget: status.budget,
            closesOn: status.closesOn, difficulty: status.difficulty,
            devices: status.devices)
        return consequences
    }

    /// Whether these results tell that the server has taken the keys of a rotation that is under way, or refused them;
    /// nil if they do not tell.
    func rotation(in results: [NymResult]) -> Bool? {
        results.first { result in
            result.device == device
                && waiting.contains { $0.number == result.number && $0.purpose == .rotate }
        }.map { $0.code == .done }
    }

    /// What a result says of mails whose request was lost with the state in which it stood.
    static let unknownCode: UInt8 = 0xFF

    /// Another device looks after the nym from now on. What would add to a stock that counts no more is not sent again.
    private mutating func giveWay(at now: Timestamp) -> [NymConsequence] {
        (isPrimary, replaced) = (false, now)
        let useless = waiting.filter { $0.purpose == .stock || $0.purpose == .refill }
        // Their results would tell nothing, and the numbers after them need not wait.
        for request in useless { settle(request.number) }
        return useless.map(NymConsequence.forget)
    }

    /// All that waits is given up, and requests go on from 1 as those of another device.
    /// - Parameter reason: what is shown of mails whose result is not known.
    /// - Returns: what was given up.
    mutating func changeDevice(because reason: String, at now: Timestamp) -> [Waiting] {
        let lost = waiting
        let told = Result(
            code: Self.unknownCode, text: "\(reason); ask the recipient before you send it again", heard: now)
        for index in sent.indices where sent[index].result == nil { sent[index].result = told }
        waiting = []
        (nextNumber, resultsSeen, seenBeyond) = (1, 0, [])
        var generator = SystemRandomNumberGenerator()
        device = generator.next()
        return lost
    }

    /// Takes results, of which those of other devices are passed over.
    mutating func apply(results: [NymResult], at now: Timestamp) -> [NymConsequence] {
        var consequences: [NymConsequence] = []
        if results.contains(where: { $0.device == device && $0.number >= nextNumber }) {
            // These files are a copy from before the server's last answers: numbers of this device are used up there,
            // and nothing that waits here would be executed.
            return changeDevice(because: "these files were restored from an older copy", at: now)
                .map(NymConsequence.forget)
        }
        for result in results where result.device == device {
            guard let request = waiting.first(where: { $0.number == result.number }) else {
                // Its result came before: the server has not heard of that yet.
                settle(result.number)
                continue
            }
            take(result, of: request, at: now)
            consequences.append(.forget(request))
            settle(result.number)
        }
        return consequences
    }

    private mutating func take(_ result: NymResult, of request: Waiting, at now: Timestamp) {
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
            if let index = sent.lastIndex(where: { $0.number == request.number }) { sent[index].result = told }
        case .policy, .get, .rotate: lastChange = told
        case .alias:
            lastChange = told
            if result.code != .done { aliases.removeAll { $0 == request.alias } }
        case .close:
            stage = .closed
            reason = "closed as you asked"
        case .stock, .refill, .moved: break
        }
        if result.code == .closed, stage == .active {
            stage = .closed
            reason = result.text
        }
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
            case nil: code == NymState.unknownCode ? "unknown" : "answer \(code)"
            }
        return text.isEmpty ? what : "\(what): \(text)"
    }
}
