// Mail from a nym: a request to its server, which the part that serves nyms keeps. It and the note that the mail was taken
// are written one after the other, and the intention before both: whoever comes again after a crash is asked for by it.

internal import Exits
internal import Messages
internal import Spool
internal import WireFormat

extension GatewayDesk {
    func send(
        _ content: [UInt8], as nym: String, _ mail: SubmittedMail, _ record: GatewayRecord, _ name: [UInt8],
        displayName: String?
    ) async throws -> SubmissionReply {
        let request = NymSendRequest(
            nym: nym, recipients: try mail.recipients.map(mailAddress), content: content, displayName: displayName)
        guard !record.messageID.isEmpty else {
            return Self.stored(try await client.nymSend(request))
        }
        return try await nymTurns.take {
            let log = GatewayLog(records: records)
            var record = record
            record.nym = try client.nym(nym, keyring: try keyring.open(), book: NymBook(records)).nym.address
            if let begun = try log.record(name) {
                if begun.isDone { throw GatewayLog.Known() }
                if let number = try stored(request, as: record.nym, since: begun.made, log) {
                    record.number = number
                    try log.update(name, record)
                    throw GatewayLog.Known()
                }
            }
            record.isDone = false
            try log.update(name, record)
            do {
                let report = try await client.nymSend(request)
                record.isDone = true
                record.number = report.number
                try log.update(name, record)
                return Self.stored(report)
            } catch {
                try? log.forget(name)
                throw error
            }
        }
    }

    /// The number of a request to these recipients that was stored since, and that no other mail has become.
    private func stored(
        _ request: NymSendRequest, as nym: String, since: Timestamp, _ log: GatewayLog
    ) throws -> UInt64? {
        let claimed = Set(try log.all().filter { $0.record.nym == nym }.map(\.record.number))
        let recipients = request.recipients.joined(separator: ", ")
        return try NymBook(records).state(nym)?.sent.first { sent in
            sent.made >= since && sent.recipients == recipients && !claimed.contains(sent.number)
        }?.number
    }

    private static func stored(_ report: NymSendReport) -> SubmissionReply {
        SubmissionReply(250, "2.0.0", "stored as mail \(report.number) of \(report.from)")
    }
}

/// One mail of a nym at a time.
actor GatewayNymTurns {
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        if isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        defer {
            if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
        }
        return try await body()
    }
}
