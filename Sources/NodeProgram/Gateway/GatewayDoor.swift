// Who gets the mail that comes in at an exit's gateway domain: reply addresses go back through the mix network, the others
// are people who say whether they want anonymous mail.

internal import Exits

/// One LMTP receiver in front of both.
struct GatewayDoor: LMTPReceiver {
    let replies: ReplyGateway
    let optOuts: OptOutDoor?

    func check(recipient: String) -> LMTPReply {
        optOuts?.check(recipient: recipient) ?? replies.check(recipient: recipient)
    }

    func deliver(_ mail: LMTPMail) -> [LMTPReply] {
        let answers = mail.recipients.map { optOuts?.deliver(mail, to: $0) }
        let others = zip(mail.recipients, answers).filter { $0.1 == nil }.map(\.0)
        guard !others.isEmpty else { return answers.compactMap(\.self) }
        var rest = replies.deliver(LMTPMail(sender: mail.sender, recipients: others, content: mail.content))[...]
        return answers.map {
            $0 ?? rest.popFirst() ?? LMTPReply(451, "4.3.0", "cannot be taken just now; try again later")
        }
    }
}
