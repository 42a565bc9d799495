public import WireFormat

extension NymAccount {
    /// Opens an account for a verified request whose first command is `create`. The name costs its work before anything
    /// is told about it.
    public static func create(
        _ request: NymRequest, at now: Timestamp, facts: NymFacts, limits: NymLimits
    ) -> NymCreationOutcome {
        let day = NymTiming.day(of: now)
        func refused(_ code: NymResultCode, bits: Int = 0, _ text: String) -> NymCreationOutcome {
            let result = NymResult(
                device: request.device, number: request.number, code: code, bits: UInt8(clamping: bits), text: text)
            return .refused(
                NymStatus(
                    account: request.account, day: day, difficulty: UInt8(clamping: limits.workBits), results: [result])
            )
        }
        guard case .create(let creation)? = request.commands.first else { return refused(.malformed, "no creation") }
        guard !ReservedNames.contains(request.account) else { return refused(.nameReserved, "this name is not given") }
        let bits = creation.work.bits(domain: facts.domain, name: request.account, key: creation.signing)
        guard bits >= limits.workBits else {
            return refused(.needsWork, bits: limits.workBits, "a name costs \(limits.workBits) bits of work now")
        }
        guard !facts.takenNames.contains(request.account) else {
            return refused(.nameTaken, "somebody has this name, or had it; choose another")
        }
        guard facts.accounts < limits.accounts else { return refused(.full, "the server takes no more nyms") }
        var account = NymAccount(name: request.account, creation, day: day)
        let effects = account.execute(request, isCreation: true, at: now, facts: facts, limits: limits)
        return .created(account, effects)
    }

    /// Executes a verified request, in any order and once: of one that came before there are no effects, and its result
    /// stays in the status until the device has seen it. One that wanted to create the account, which another has created,
    /// changes nothing: its reply blocks may have carried a refusal.
    public mutating func execute(
        _ request: NymRequest, at now: Timestamp, facts: NymFacts, limits: NymLimits
    ) -> [NymEffect] {
        execute(request, isCreation: false, at: now, facts: facts, limits: limits)
    }

    private mutating func execute(
        _ request: NymRequest, isCreation: Bool, at now: Timestamp, facts: NymFacts, limits: NymLimits
    ) -> [NymEffect] {
        let before = self
        guard let index = device(of: request) else { return [] }
        devices[index].saw(request.resultsSeen)
        guard devices[index].takes(request.number) else { return [] }
        budget.settle(at: now, limits: limits)
        var execution = NymExecution(account: self, request: request, now: now, facts: facts, limits: limits)
        var failure: (command: Int, refusal: NymRefusal)?
        var commands = request.commands
        if !isCreation, case .create? = commands.first { commands = [] }
        for (command, operand) in commands.enumerated() {
            if let refusal = execution.run(operand), failure == nil { failure = (command, refusal) }
        }
        // What was signed by the old key counts no more, so that the windows of the other devices can go.
        if execution.account.signing != signing { execution.account.devices = [execution.account.devices[index]] }
        self = execution.account
        // One too many that came to rotate, and was refused.
        guard devices.count <= NymLimits.devices else {
            self = before
            return []
        }
        if !isCreation { isConfirmed = true }
        if !isClosing { lastCommand = max(lastCommand, NymTiming.day(of: now)) }
        if let place = devices.firstIndex(where: { $0.id == request.device }) {
            devices[place].keep(
                NymResult(
                    device: request.device, number: request.number, command: UInt8(clamping: failure?.command ?? 0),
                    code: failure?.refusal.code ?? .done, bits: UInt8(clamping: failure?.refusal.bits ?? 0),
                    text: failure?.refusal.text ?? ""))
        }
        return execution.effects
    }

    /// The device's place; a new one is added while there is room, or if it wants a new key: that forgets the others.
    private mutating func device(of request: NymRequest) -> Int? {
        if let index = devices.firstIndex(where: { $0.id == request.device }) { return index }
        let rotates = request.commands.contains { command in
            if case .rotate(let rotation) = command { rotation.signing != signing } else { false }
        }
        guard devices.count < NymLimits.devices || rotates else { return nil }
        devices.append(NymDevice(id: request.device))
        return devices.count - 1
    }
}

/// Why a command is not done.
struct NymRefusal {
    var code: NymResultCode
    var bits = 0
    var text: String

    init(_ code: NymResultCode, bits: Int = 0, _ text: String) {
        self.code = code
        self.bits = bits
        self.text = text
    }
}
