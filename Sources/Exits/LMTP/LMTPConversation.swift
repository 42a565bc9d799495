// A connection of an LMTP server: asks the receiver on a thread that may block.

internal import NIOCore
internal import NIOPosix
internal import WireFormat

enum LMTPConversation {
    private static let stopping = LMTPReply(451, "4.3.2", "stopping; try again later")

    static func handler(
        _ settings: LMTPServerSettings, receiver: any LMTPReceiver, threadPool: NIOThreadPool
    ) -> ServerHandler<LMTPServerMachine> {
        ServerHandler(
            LMTPServerMachine(name: settings.name, limits: settings.limits), idle: settings.idle,
            longest: settings.longest
        ) { action, handler, context in
            switch action {
            case .send(let bytes): handler.write(bytes, context)
            case .check(let recipient):
                handler.ask(on: threadPool) {
                    receiver.check(recipient: recipient)
                } then: { machine, reply in
                    machine.checked(reply ?? stopping)
                }
            case .deliver(let mail):
                handler.ask(on: threadPool) {
                    receiver.deliver(mail)
                } then: { machine, replies in
                    machine.delivered(replies ?? mail.recipients.map { _ in stopping })
                }
            case .close: context.close(promise: nil)
            }
        }
    }
}
