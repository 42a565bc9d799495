// The server's side of Postfix's policy delegation (SMTPD_POLICY_README) as a pure machine: bytes in, actions out. A
// request is lines `name=value` and an empty line; the answer is `action=...` and an empty line. Postfix sends one request,
// waits, and keeps the connection for its next ones.

internal import Exits

/// Bounds of a policy connection.
struct PolicyLimits: Hashable, Sendable {
    /// Bytes of a line without its end. Postfix's own are at most 2048 (line_length_limit) besides certificates' names.
    var line = 8192
    /// Lines of a request.
    var lines = 128
    /// Bytes that may wait behind a request that is being answered; Postfix sends none.
    var waiting = 65_536
    /// Recipients of one mail that are remembered until its end; Postfix's bound for strangers is 1000
    /// (smtpd_recipient_limit), the sample configuration's 50.
    var recipients = 64
}

/// What is asked of the door.
struct PolicyQuestion: Hashable, Sendable {
    let recipient: String
    /// Bytes; nil if the sender did not say.
    let size: Int?
}

/// One connection's state.
struct PolicyMachine: ServerMachine {
    enum Action: Equatable {
        /// Ask all of these; then call `answered`.
        case ask([PolicyQuestion])
        case send([UInt8])
        case close
    }

    /// What matters of a request, as its lines come.
    private struct Request {
        var lines = 0
        var values: [Name: [UInt8]] = [:]
    }

    private enum Name: String {
        case request
        case state = "protocol_state"
        case recipient, size, instance
    }

    private let limits: PolicyLimits
    private var line: [UInt8] = []
    /// Bytes after a request that is being answered.
    private var rest: [UInt8] = []
    private var request = Request()
    private(set) var isWaiting = false
    private(set) var isClosed = false
    private var isStopping = false
    /// The transaction in progress, and who of its recipients was let in. Postfix names the recipient after the content only
    /// if there is but one, so that the others are remembered from their RCPT.
    private var instance: [UInt8] = []
    private var recipients: [String] = []
    /// Asked about at the moment, at RCPT.
    private var candidate: String?

    init(limits: PolicyLimits = PolicyLimits()) {
        self.limits = limits
    }

    // MARK: Events

    /// Postfix speaks first.
    func start() -> [Action] { [] }

    /// Bytes from Postfix.
    mutating func received(_ bytes: some Collection<UInt8>) -> [Action] {
        guard !isClosed else { return [] }
        guard !isWaiting else {
            guard rest.count + bytes.count <= limits.waiting else { return end() }
            rest += bytes
            return []
        }
        var actions: [Action] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            bytes.formIndex(after: &index)
            guard byte == 0x0A else {
                // No reply to what is no request: Postfix takes that for trouble of ours and asks its client to come back.
                guard line.count < limits.line, byte != 0 else { return actions + end() }
                line.append(byte)
                continue
            }
            let whole = line
            line.removeAll(keepingCapacity: true)
            actions += whole.isEmpty ? finish() : add(whole)
            if isClosed { return actions }
            if isWaiting {
                return actions + received(Array(bytes[index...]))
            }
        }
        return actions
    }

    /// What the door said to `ask`, in the same order.
    mutating func answered(_ verdicts: [NymVerdict]) -> [Action] {
        guard isWaiting, !isClosed else { return [] }
        isWaiting = false
        let worst = verdicts.max { $0.weight < $1.weight } ?? .later
        if let candidate, worst == .welcome, recipients.count < limits.recipients { recipients.append(candidate) }
        candidate = nil
        let reply = [send(worst)]
        if isStopping { return reply + end() }
        let bytes = rest
        rest = []
        return reply + received(bytes)
    }

    /// Postfix has been silent for long; it connects again when it needs to.
    mutating func timedOut() -> [Action] { end() }

    /// This side is stopping. A request that is being answered is answered first.
    mutating func shutDown() -> [Action] {
        isStopping = true
        return isWaiting ? [] : end()
    }

    // MARK: Requests

    private mutating func end() -> [Action] {
        guard !isClosed else { return [] }
        isClosed = true
        (line, rest, recipients) = ([], [], [])
        return [.close]
    }

    private mutating func add(_ line: [UInt8]) -> [Action] {
        request.lines += 1
        guard request.lines <= limits.lines, let mark = line.firstIndex(of: 0x3D), mark > 0 else { return end() }
        guard let name = Name(rawValue: String(decoding: line[..<mark], as: UTF8.self)) else { return [] }
        guard request.values.updateValue(Array(line[(mark + 1)...]), forKey: name) == nil else { return end() }
        return []
    }

    private mutating func finish() -> [Action] {
        defer { request = Request() }
        func text(_ name: Name) -> String { String(decoding: request.values[name] ?? [], as: UTF8.self) }
        guard text(.request) == "smtpd_access_policy", let size = Self.size(request.values[.size]) else { return end() }
        note(request.values[.instance] ?? [])
        switch text(.state) {
        case "RCPT":
            // Bytes that are no text are no address of ours.
            guard let recipient = String(validating: request.values[.recipient] ?? [], as: UTF8.self),
                !recipient.isEmpty
            else { return [send(.unknown)] }
            candidate = recipient
            return ask([PolicyQuestion(recipient: recipient, size: size)])
        case "END-OF-MESSAGE":
            let named = text(.recipient)
            let all = recipients.isEmpty ? (named.isEmpty ? [] : [named]) : recipients
            recipients = []
            guard !all.isEmpty else { return [send(.welcome)] }
            return ask(all.map { PolicyQuestion(recipient: $0, size: size) })
        default:
            return [send(.elsewhere)]
        }
    }

    /// The size as Postfix writes it; 0, for nobody knows, is nil inside. Nil outside if it is no number.
    private static func size(_ bytes: [UInt8]?) -> Int?? {
        guard let bytes, !bytes.isEmpty else { return .some(nil) }
        guard bytes.count <= 18, bytes.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(String(decoding: bytes, as: UTF8.self))
        else { return nil }
        return .some(value == 0 ? nil : value)
    }

    /// A new mail has recipients of its own.
    private mutating func note(_ instance: [UInt8]) {
        guard instance.isEmpty || instance != self.instance else { return }
        self.instance = instance
        recipients = []
    }

    private mutating func ask(_ questions: [PolicyQuestion]) -> [Action] {
        isWaiting = true
        return [.ask(questions)]
    }

    private func send(_ verdict: NymVerdict) -> Action { .send(Array("action=\(verdict.action)\n\n".utf8)) }
}
