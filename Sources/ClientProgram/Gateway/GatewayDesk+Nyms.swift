// Mail from a nym.

internal import Exits
internal import Messages
internal import WireFormat

extension GatewayDesk {
    func send(
        _ content: [UInt8], as nym: String, _ mail: SubmittedMail, _ record: GatewayRecord, _ name: [UInt8]
    ) async throws -> SubmissionReply {
        SubmissionReply(451, "4.3.0", "mail from nyms is not possible yet")
    }
}
