// A connection of a submission server: puts TLS in front, asks the receiver, and watches for the password.

internal import NIOCore
internal import NIOSSL
internal import WireFormat

final class SubmissionConversation {
    private let receiver: any SubmissionReceiver
    private let security: SubmissionSecurity
    private let login: Interval
    private let loggedIn: @Sendable () -> Void
    private var loginTimer: Scheduled<Void>?
    private var isNew = true
    private var isStranger = true

    private init(
        receiver: any SubmissionReceiver, security: SubmissionSecurity, login: Interval,
        loggedIn: @escaping @Sendable () -> Void
    ) {
        self.receiver = receiver
        self.security = security
        self.login = login
        self.loggedIn = loggedIn
    }

    /// - Parameters:
    ///   - isSecure: whether TLS came before the first byte.
    ///   - loggedIn: told when a password was right.
    static func handler(
        _ settings: SubmissionSettings, isSecure: Bool, receiver: any SubmissionReceiver,
        security: SubmissionSecurity, loggedIn: @escaping @Sendable () -> Void
    ) -> ServerHandler<SubmissionMachine> {
        let conversation = SubmissionConversation(
            receiver: receiver, security: security, login: settings.login, loggedIn: loggedIn)
        return ServerHandler(
            SubmissionMachine(name: settings.name, limits: settings.limits, isSecure: isSecure), idle: settings.idle,
            longest: settings.longest, watch: conversation.watch, perform: conversation.perform)
    }

    private func perform(
        _ action: SubmissionMachine.Action, _ handler: ServerHandler<SubmissionMachine>,
        _ context: ChannelHandlerContext
    ) {
        switch action {
        case .send(let bytes): handler.write(bytes, context)
        case .startTLS: startTLS(handler, context)
        case .authenticate(let login): ask(handler) { [receiver] in await receiver.authenticate(login) }
        case .checkSender(let sender):
            ask(handler) { [receiver, size = handler.machine.announced] in
                await receiver.check(sender: sender, size: size)
            }
        case .checkRecipient(let recipient, let sender):
            ask(handler) { [receiver] in await receiver.check(recipient: recipient, from: sender) }
        // A mail that was handed over is kept, even if the connection is gone.
        case .deliver(let mail): ask(handler) { [receiver] in await receiver.deliver(mail) }
        case .close: context.close(promise: nil)
        }
    }

    private func watch(_ handler: ServerHandler<SubmissionMachine>) {
        if isNew {
            isNew = false
            loginTimer = handler.end(after: login)
        }
        if isStranger, handler.machine.isAuthenticated {
            isStranger = false
            loginTimer?.cancel()
            loggedIn()
        }
    }

    private func ask(
        _ handler: ServerHandler<SubmissionMachine>, _ question: @escaping @Sendable () async -> SubmissionReply
    ) {
        handler.ask(question) { machine, reply in machine.answered(reply) }
    }

    private func startTLS(_ handler: ServerHandler<SubmissionMachine>, _ context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(security.handler(), position: .first)
            handler.tell { machine in
                machine.secured()
                return []
            }
        } catch {
            context.close(promise: nil)
        }
    }
}
