// Mail from a nym: a request to its server, which keeps it.

internal import Exits
internal import Messages
internal import Spool
internal import WireFormat

extension GatewayDesk {
    /// Hands a mail to the part that serves nyms, which has it on the disk when it answers.
    func send(
        _ content: [UInt8], as nym: String, _ mail: SubmittedMail, _ record: GatewayRecord, _ name: [UInt8],
        displayName: String?
    ) async throws -> SubmissionReply {
        let request = NymSendRequest(
            nym: nym, recipients: try mail.recipients.map(mailAddress), content: content, displayName: displayName)
        let report = try await client.nymSend(request)
        if !record.messageID.isEmpty {
            do {
                try records.transaction { try GatewayLog.add(record, name: name, to: $0) }
            } catch is GatewayLog.Known {
                // The same mail twice at a time.
            }
        }
        return SubmissionReply(250, "2.0.0", "stored as mail \(report.number) of \(report.from)")
    }
}
