internal import WireFormat

/// The commands of one request, one after the other.
struct NymExecution {
    var account: NymAccount
    private let device: UInt64
    private let number: UInt64
    let now: Timestamp
    var facts: NymFacts
    let limits: NymLimits
    var effects: [NymEffect] = []

    init(account: NymAccount, request: NymRequest, now: Timestamp, facts: NymFacts, limits: NymLimits) {
        self.account = account
        device = request.device
        number = request.number
        self.now = now
        self.facts = facts
        self.limits = limits
    }

    /// Nil if it is done.
    mutating func run(_ command: NymCommand) -> NymRefusal? {
        guard !account.isClosing else { return NymRefusal(.closed, "the nym is closing") }
        switch command {
        case .create: break
        case .surbs(let batch): return add(batch)
        case .send(let mail): return send(mail)
        case .list: effects.append(.wantSynopses)
        case .get(let ranges): return want(ranges)
        case .acknowledge(let items): if !items.isEmpty { effects.append(.forget(items)) }
        case .policy(let policy):
            // What the same device decided later stays, in whatever order they arrive.
            guard account.policyDevice != device || account.policyNumber <= number else { return nil }
            (account.policy, account.policyDevice, account.policyNumber) = (policy, device, number)
        case .addAlias(let name, let work): return addAlias(name, work)
        case .removeAlias(let name):
            guard let index = account.aliases.firstIndex(of: name) else {
                return NymRefusal(.notAllowed, "\(name) is no alias of this nym")
            }
            account.aliases.remove(at: index)
            effects.append(.removeAlias(name))
        case .rotate(let rotation): return rotate(rotation)
        case .close: effects += account.close(at: now)
        }
        return nil
    }

    /// A key that signed before does not come back: with it what it signed would count again.
    private mutating func rotate(_ rotation: NymRotation) -> NymRefusal? {
        if rotation.signing != account.signing {
            guard !account.formerKeys.contains(NymAccount.mark(rotation.signing)) else {
                return NymRefusal(.notAllowed, "the nym had this key before; make a new one")
            }
            guard account.formerKeys.count < NymLimits.rotations else {
                return NymRefusal(.full, "the nym has had \(NymLimits.rotations) keys")
            }
            account.formerKeys.append(NymAccount.mark(account.signing))
        }
        account.signing = rotation.signing
        account.sealing = rotation.sealing
        return nil
    }

    private mutating func add(_ batch: NymBatch) -> NymRefusal? {
        guard batch.generation >= account.generation else {
            // Whoever makes these does not know that others have taken their place: one of them tells him.
            if let block = batch.blocks.first, facts.blocks < NymTiming.mostBlocks(of: account.packets) {
                facts.blocks += 1
                effects.append(.addBlocks(generation: batch.generation, [block]))
            }
            return nil
        }
        if batch.generation > account.generation {
            account.generation = batch.generation
            effects.append(.wipeBlocks(before: batch.generation))
            facts.blocks = 0
        }
        let room = max(0, NymTiming.mostBlocks(of: account.packets) - facts.blocks)
        let taken = Array(batch.blocks.prefix(room))
        facts.blocks += taken.count
        if !taken.isEmpty { effects.append(.addBlocks(generation: batch.generation, taken)) }
        guard taken.count < batch.blocks.count else { return nil }
        return NymRefusal(.full, "\(batch.blocks.count - taken.count) reply blocks too many")
    }

    private mutating func send(_ mail: NymMail) -> NymRefusal? {
        guard account.names.contains(mail.from) else {
            return NymRefusal(.notAllowed, "\(mail.from) is no name of this nym")
        }
        guard mail.content.count <= limits.sendSize else {
            return NymRefusal(.tooLarge, "mail has at most \(limits.sendSize >> 10) KiB")
        }
        let wanting = mail.recipients.filter { !facts.declined.contains($0) }
        let declined = mail.recipients.count - wanting.count
        let refusal =
            declined == 0
            ? nil : NymRefusal(.declined, "\(declined) of \(mail.recipients.count) recipients want no mail")
        // Subsets of checked recipients are in bounds, except for none at all.
        guard
            let sent = try? NymMail(
                from: mail.from, displayName: mail.displayName, recipients: wanting, content: mail.content)
        else { return refusal }
        guard facts.outgoingBytes + UInt64(mail.content.count) <= limits.outgoingBytes else {
            return NymRefusal(.full, "mails of yours wait for the mail server; try again later")
        }
        guard account.budget.take(UInt32(wanting.count), at: now, limits: limits) else {
            return NymRefusal(
                .overBudget,
                "one recipient more every \(max(1, limits.budgetSeconds / 60)) minutes, at most \(limits.budget)")
        }
        facts.outgoingBytes += UInt64(mail.content.count)
        effects.append(.sendMail(sent))
        return refusal
    }

    private mutating func want(_ ranges: [NymRange]) -> NymRefusal? {
        let known = ranges.filter { facts.knownItems.contains($0.item) }
        if !known.isEmpty { effects.append(.want(known)) }
        let unknown = Set(ranges.map(\.item)).subtracting(facts.knownItems).sorted()
        guard let first = unknown.first else { return nil }
        return NymRefusal(.unknownItem, "item \(first)" + (unknown.count > 1 ? " and \(unknown.count - 1) more" : ""))
    }

    private mutating func addAlias(_ name: NymName, _ work: ProofOfWork) -> NymRefusal? {
        guard !account.names.contains(name) else { return nil }
        guard !ReservedNames.contains(name) else { return NymRefusal(.nameReserved, "\(name) is not given") }
        guard work.bits(domain: facts.domain, name: name, key: account.signing) >= limits.workBits else {
            return NymRefusal(.needsWork, bits: limits.workBits, "a name costs \(limits.workBits) bits of work now")
        }
        guard !facts.takenNames.contains(name) else { return NymRefusal(.nameTaken, "somebody has \(name), or had it") }
        guard account.aliases.count < limits.aliases else {
            return NymRefusal(.full, "a nym has at most \(limits.aliases) aliases")
        }
        account.aliases.append(name)
        effects.append(.addAlias(name))
        return nil
    }
}
