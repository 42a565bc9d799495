// Mail from a nym: a request to its server, which the part that serves nyms keeps under the mail's name. The note that the
// mail was taken is written after it: whoever comes again after a crash between them gets the request that is there.

internal import Exits
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

extension GatewayDesk {
    func send(
        _ content: [UInt8], as nym: String, _ mail: SubmittedMail, _ record: GatewayRecord, _ name: [UInt8],
        displayName: String?
    ) async throws -> SubmissionReply {
        guard content.count <= NymMail.largestContent else { return Self.tooLargeForNym }
        var request = NymSendRequest(
            nym: nym, recipients: try mail.recipients.map(mailAddress), content: content, displayName: displayName)
        let hasName = !record.messageID.isEmpty
        if hasName { request.token = name }
        let sent = request
        return try await nymTurns.take {
            // Another connection may have brought it meanwhile.
            let log = GatewayLog(records: records)
            if hasName, try log.vacant(name) != name { throw GatewayLog.Known() }
            var record = record
            record.nym = try self.nym(nym).address
            let report = try await client.nymSend(sent, keyring: try keyring.open())
            record.number = report.number
            // One without a Message-ID is noted for its notices alone.
            let place = hasName ? name : Digest.sha256(name + Array("\(record.nym) \(report.number)".utf8)).bytes
            try log.update(place, record)
            return Self.stored(report)
        }
    }

    /// The nym of an address or alias.
    func nym(_ address: String) throws -> OwnNym {
        try client.nym(address, keyring: try keyring.open(), book: NymBook(records)).nym
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
