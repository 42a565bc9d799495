// Where an address leads at this exit: decided by the settings and the recipient's wishes, asked before a message is taken and
// again before each attempt.

internal import Exits
internal import Messages
internal import Mixing

/// What delivers a mail. Each has its own places for mails under way, so that one that hangs holds up no other.
enum ExitModule: String, CaseIterable, Hashable, Sendable {
    case smtp, lmtp, program, maildir

    /// For people.
    var words: String {
        switch self {
        case .smtp: "the mail server"
        case .lmtp: "servers that speak LMTP"
        case .program: "programs"
        case .maildir: "Maildirs"
        }
    }
}

/// Where a mail goes.
enum ExitTarget: Hashable, Sendable {
    case maildir(path: String)
    /// By way of the mail server.
    case mail(MailRecipient)
    case lmtp(LMTPAddress, MailRecipient)
    case program(MailProgram, MailRecipient)

    var module: ExitModule {
        switch self {
        case .maildir: .maildir
        case .mail: .smtp
        case .lmtp: .lmtp
        case .program: .program
        }
    }

    /// What To says.
    var shown: MailRecipient? {
        switch self {
        case .maildir: nil
        case .mail(let recipient), .lmtp(_, let recipient), .program(_, let recipient): recipient
        }
    }

    /// Whom rates and wishes are about: people elsewhere.
    var outside: MailRecipient? {
        if case .mail(let recipient) = self { recipient } else { nil }
    }
}

extension ExitSettings {
    /// Where `address` leads, or why it leads nowhere. May wait for the disk if recipients must have opted in.
    func target(_ address: Address, _ wishes: RecipientWishes) throws(RefusalReason) -> ExitTarget {
        switch address.kind {
        case .smtp:
            guard smtp != nil else { throw .deniedByPolicy }
            let recipient = try MailRecipient(address.mailAddress ?? "")
            if let reason = policy.refusal(of: recipient, level: level, hasOptedIn: wishes.hasOptedIn) { throw reason }
            return .mail(recipient)
        case .mbox:
            switch mailboxes?[address.user] {
            case .maildir(let path): return .maildir(path: path)
            case .mail(let recipient) where smtp != nil: return .mail(recipient)
            case .lmtp(let server, let recipient?): return .lmtp(server, recipient)
            case .lmtp(let server, nil): return .lmtp(server, try local(address.user))
            case .program(let program): return .program(program, try local(address.user))
            default: throw .unknownMailbox
            }
        case .nym:
            guard let nym = nyms.first(where: { $0.domain == address.host }) else { throw .unknownMailbox }
            return .lmtp(nym.deliver, try MailRecipient("\(address.user)@\(address.host)"))
        case .box, .drop: throw .deniedByPolicy
        }
    }

    /// Where `address` would lead if the recipient wanted it; never waits.
    func route(of address: Address) -> ExitTarget? {
        try? target(
            address, RecipientWishes(declines: { _ in false }, hasOptedIn: { _ in true }, optOutLink: { _ in nil }))
    }

    /// A local user as a mail address: at the exit's own host.
    private func local(_ name: String) throws(RefusalReason) -> MailRecipient {
        try MailRecipient("\(name)@\(identity.address.host)")
    }

    /// All servers that LMTP is spoken to.
    var lmtpServers: Set<LMTPAddress> {
        var servers = Set(nyms.map(\.deliver))
        for case .lmtp(let server, _) in mailboxes?.targets ?? [] { servers.insert(server) }
        return servers
    }
}

/// The rules by which a message's recipients are taken or not, asked before anything is stored for them. What recipients wish is
/// asked at each attempt: it takes a slow hash for every address, and whoever sends messages to many addresses would hold up
/// all others where they are put together.
struct ExitGate: RecipientGate {
    let settings: ExitSettings
    /// This node's names: an `mbox:` address must be at one of them.
    let names: Set<String>

    func refusal(of address: Address) -> DropReason? {
        if address.kind == .mbox, !names.contains(address.host.lowercased()) { return .recipientRefused }
        return settings.route(of: address) == nil ? .recipientRefused : nil
    }
}
