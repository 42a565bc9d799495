// The addresses at an exit's gateway domain to which people write who want no anonymous mail, or want it again
// (doc/OPTOUT.md). What changes something is proved: by the token of a link that only a delivered mail has, or by an answer to
// a mail that only the owner of the address gets. Nothing of a mail's content is kept, logged or sent on.

internal import Directory
internal import Exits
internal import Spool
internal import Synchronization
internal import WireFormat

final class OptOutDoor: Sendable {
    /// What stands around the door.
    struct Surroundings: Sendable {
        /// The gateway's domain.
        var domain: String
        /// Network and exit, as the mails say it.
        var mail: ConfirmationMail
        /// One attempt to send a mail; may block. Nil at an exit that sends no mail: then only links work.
        var send: (@Sendable (SMTPMail) -> ExitOutcome)?
        /// How people find a node: its nickname, and its contact if it has one.
        var describe: @Sendable (NodeID) -> String
        /// This node.
        var node: NodeID
        /// Whether the exit writes only to those who opted in: else there is nothing to opt in to.
        var needsOptIn = false
        var clock: @Sendable () -> Timestamp
        /// Told of what happened, `opt_out_...`.
        var count: @Sendable (String) -> Void
    }

    private struct State {
        var limits: OptOutLimits
        var generator = SystemRandomNumberGenerator()
    }

    private let desk: OptOutDesk
    private let around: Surroundings
    private let state: Mutex<State>

    init(_ desk: OptOutDesk, _ around: Surroundings, limits: OptOutLimits = OptOutLimits()) {
        self.desk = desk
        self.around = around
        state = Mutex(State(limits: limits))
    }

    /// Whether mail for an address is taken; nil if it is none of the door's.
    func check(recipient: String) -> LMTPReply? {
        switch address(recipient) {
        case nil: return nil
        case .request: return LMTPReply(250, "2.1.5", "recipient ok")
        case .link(let text):
            if desk.token(text) != nil { return LMTPReply(250, "2.1.5", "recipient ok") }
            around.count("opt_out_unknown_links")
            return LMTPReply(550, "5.1.1", "no such address; to get no more mail write to optout@\(around.domain)")
        case .confirmation(let token):
            do throws(SpoolError) {
                if try desk.requests.request(token, at: around.clock()) != nil {
                    return LMTPReply(250, "2.1.5", "recipient ok")
                }
            } catch { return Self.trouble }
            around.count("opt_out_unknown_confirmations")
            return Self.over(around.domain)
        }
    }

    /// Takes a mail for one of the door's addresses; nil if it is none.
    func deliver(_ mail: LMTPMail, to recipient: String) -> LMTPReply? {
        guard let address = address(recipient) else { return nil }
        let read = OptOutMail(mail.content, sender: mail.sender)
        do {
            switch address {
            case .request(let purpose, let isDomain): return try ask(read, purpose, isDomain: isDomain)
            case .link(let text): return try follow(text, read)
            case .confirmation(let token): return try confirm(token, read)
            }
        } catch {
            around.count("opt_out_deferred")
            return Self.trouble
        }
    }

    // MARK: Addresses

    private enum DoorAddress {
        case request(OptOutRequests.Purpose, isDomain: Bool)
        case link(String)
        case confirmation([UInt8])
    }

    private func address(_ recipient: String) -> DoorAddress? {
        let text = recipient.lowercased()
        let suffix = "@\(around.domain)"
        guard text.hasSuffix(suffix) else { return nil }
        let name = String(text.dropLast(suffix.count))
        switch name {
        case "optout": return .request(.optOut, isDomain: false)
        case "optin": return .request(.optIn, isDomain: false)
        case "optout+domain": return .request(.optOut, isDomain: true)
        case "optin+domain": return .request(.optIn, isDomain: true)
        default: break
        }
        if name.hasPrefix("optout+") { return .link(String(name.dropFirst("optout+".count))) }
        guard name.hasPrefix(Self.confirm) else { return nil }
        // What cannot be a token is one that nobody has.
        return .confirmation(AddressText.decode(name.dropFirst(Self.confirm.count)) ?? [])
    }

    private static let confirm = "confirm+"

    // MARK: Requests

    /// A mail that asks for something: the address itself is asked whether it was meant.
    private func ask(_ mail: OptOutMail, _ purpose: OptOutRequests.Purpose, isDomain: Bool) throws -> LMTPReply {
        guard mail.automation == .none else { return dropped("opt_out_automatic") }
        guard let from = mail.from, mail.isFromItsSender else {
            return refuse(
                "write from the address itself: From and the envelope's sender have to be the same one address")
        }
        guard !isDomain || from.text == "postmaster@\(from.host)" else {
            return refuse("for a whole domain write from its postmaster address, postmaster@\(from.host)")
        }
        guard let send = around.send else {
            return refuse("this exit sends no mail; write to \(around.mail.identity.complaints.address)")
        }
        guard let recipient = try? MailRecipient(from.text) else {
            return refuse("exits send no mail to such an address")
        }
        let now = around.clock()
        let subject = isDomain ? from.domain : from
        guard let hash = desk.list.hash(of: subject) else { return Self.trouble }
        if let words = objection(purpose, subject, hash) { return refuse(words) }
        // Silent: whoever sends many in another's name must not have him get a notice for each.
        guard try desk.requests.lastMail(to: hash, purpose, at: now) == nil else {
            return dropped("opt_out_asked_already")
        }
        if let wait = state.withLock({ $0.limits.take(host: recipient.host, at: now) }) {
            around.count("opt_out_requests_limited")
            // His own mail server tries again: nobody has to be told, and nobody believes that it is done.
            return later("too many requests just now; try again in \(max(1, wait.milliseconds / 60_000)) minutes")
        }
        let request = OptOutRequests.Request(hash: hash, purpose: purpose, isDomain: isDomain, asked: now)
        let (token, id) = try state.withLock { state in
            (
                try desk.requests.begin(request, using: &state.generator),
                (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &state.generator) }
            )
        }
        guard let token else { return later("too many requests wait for an answer; try again later") }
        let confirm = try MailRecipient("\(Self.confirm)\(AddressText.encode(token))@\(around.domain)")
        let question = try around.mail.asking(purpose, subject, to: recipient, confirm: confirm, id: id, now: now)
        switch send(question) {
        case .delivered:
            around.count("opt_out_asked")
            return LMTPReply(250, "2.0.0", "a mail that asks for confirmation is on its way")
        case .refused:
            // There is no such address, so nobody who asked.
            return dropped("opt_out_not_deliverable")
        case .deferred:
            try desk.requests.cancel(token, request)
            around.count("opt_out_deferred")
            return Self.trouble
        }
    }

    /// Why a request makes no sense.
    private func objection(
        _ purpose: OptOutRequests.Purpose, _ address: OptOutAddress, _ hash: OptOutHash
    ) -> String? {
        switch purpose {
        case .optOut:
            return desk.book.hasOptedOut(hash) ? "this exit sends \(address.text) no mail already" : nil
        case .optIn:
            if desk.book.hasOptedOut(hash) { return nil }
            if let names = holders(hash) {
                return "the opt-out is not held here but at the exit \(names): write to optin there"
            }
            return around.needsOptIn ? nil : "there is no opt-out of \(address.text) to take back"
        }
    }

    /// The other nodes that state a hash, for people; nil if there are none.
    private func holders(_ hash: OptOutHash) -> String? {
        let holders = desk.list.holders(of: [hash]).filter { $0 != around.node }
        return holders.isEmpty ? nil : holders.prefix(4).map(around.describe).joined(separator: ", ")
    }

    // MARK: What changes something

    /// A click on the link of a mail that was delivered.
    private func follow(_ text: String, _ mail: OptOutMail) throws -> LMTPReply {
        guard let token = desk.token(text) else {
            around.count("opt_out_unknown_links")
            return refuse("no such address; to get no more mail write to optout@\(around.domain)")
        }
        guard mail.automation != .replied else { return dropped("opt_out_automatic") }
        guard !token.hasExpired(at: around.clock()) else {
            return refuse("this link is too old; write to optout@\(around.domain)")
        }
        // Whoever finds an old mail must not undo what its recipient has said since.
        if let day = desk.book.dayOfOptIn(token.hash), UInt32(token.day) < day {
            return refuse("this link is older than the wish for mail; write to optout@\(around.domain)")
        }
        return try optOut(token.hash, host: token.host, .link)
    }

    /// An answer to a confirmation mail.
    private func confirm(_ token: [UInt8], _ mail: OptOutMail) throws -> LMTPReply {
        guard mail.automation == .none else { return dropped("opt_out_automatic") }
        let now = around.clock()
        guard let request = try desk.requests.request(token, at: now) else {
            around.count("opt_out_unknown_confirmations")
            return Self.over(around.domain)
        }
        guard let from = mail.from, let hash = desk.list.hash(of: request.isDomain ? from.domain : from),
            hash == request.hash
        else {
            around.count("opt_out_confirmed_by_others")
            return refuse("answer from the address that the mail is about")
        }
        let reply: LMTPReply
        switch request.purpose {
        case .optOut:
            let host = OptOutToken.tag(from.host, key: desk.linkKey)
            reply = try optOut(hash, host: host, request.isDomain ? .domain : .mail, ending: token)
        case .optIn: reply = try optIn(hash, ending: token)
        }
        if reply.isPositive { tell(request, from, stands: request.purpose == .optIn ? stands(request, from) : []) }
        return reply
    }

    /// Why no mail comes although somebody took his opt-out back: one sentence each.
    private func stands(_ request: OptOutRequests.Request, _ from: OptOutAddress) -> [String] {
        var words: [String] = []
        let address = request.isDomain ? from.domain : from
        if let names = holders(request.hash) {
            words.append("the opt-out of \(address.text) at the exit \(names) still stands: write to optin there")
        }
        if !request.isDomain, let hash = desk.list.hash(of: from.domain) {
            if desk.book.hasOptedOut(hash) {
                words.append("the postmaster of \(from.host) has opted out for everybody there")
            }
            if let names = holders(hash) { words.append("all of \(from.host) is opted out at the exit \(names)") }
        }
        if around.needsOptIn, !desk.book.hasOptedIn(request.hash) {
            words.append(
                "the list of those whom this exit writes to is full: write to \(around.mail.identity.complaints.address)"
            )
        }
        return words
    }

    private func optOut(
        _ hash: OptOutHash, host: [UInt8], _ source: OptOutBook.Source, ending token: [UInt8]? = nil
    ) throws -> LMTPReply {
        // One host, a catch-all above all, must not fill the list for everybody.
        if !desk.book.hasOptedOut(hash),
            let wait = state.withLock({ $0.limits.takeEntry(host: host, at: around.clock()) })
        {
            around.count("opt_out_entries_limited")
            return later("too many opt-outs just now; try again in \(max(1, wait.milliseconds / 60_000)) minutes")
        }
        let added = try desk.book.optOut(hash, source, at: around.clock()) { records in
            if let token { try OptOutRequests.end(token, in: records) }
        }
        guard added != .full else {
            around.count("opt_out_full")
            return refuse("this exit's list is full; write to \(around.mail.identity.complaints.address)")
        }
        around.count("opt_out_taken")
        desk.state()
        return LMTPReply(250, "2.0.0", "no more anonymous mail")
    }

    private func optIn(_ hash: OptOutHash, ending token: [UInt8]) throws -> LMTPReply {
        let added = try desk.book.optIn(hash, at: around.clock()) { try OptOutRequests.end(token, in: $0) }
        if added == .full { around.count("opt_in_full") }
        around.count("opt_in_taken")
        desk.state()
        return LMTPReply(250, "2.0.0", "taken back; a mail says whether anything else stands in the way")
    }

    /// Says that it is done; once, as it matters little.
    private func tell(_ request: OptOutRequests.Request, _ from: OptOutAddress, stands: [String]) {
        guard let send = around.send, let recipient = try? MailRecipient(from.text) else { return }
        let id = state.withLock { state in
            (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &state.generator) }
        }
        guard
            let mail = try? around.mail.done(
                request.purpose, request.isDomain ? from.domain : from, to: recipient, stands: stands, id: id,
                now: around.clock())
        else { return }
        _ = send(mail)
    }

    // MARK: Answers

    /// Refused with words, which come back to the sender as a notice of his mail server. Whoever sends many in another's name
    /// must not flood him with these: beyond a rate they wait at his mail server, which is no lie.
    private func refuse(_ words: String) -> LMTPReply {
        let now = around.clock()
        guard state.withLock({ $0.limits.mayRefuse(at: now) }) else {
            around.count("opt_out_refused_silently")
            return Self.trouble
        }
        around.count("opt_out_refused")
        return LMTPReply(
            550, "5.7.1", String(words.unicodeScalars.filter { (32...126).contains($0.value) }.map(Character.init)))
    }

    private func later(_ words: String) -> LMTPReply { LMTPReply(451, "4.7.1", words) }

    private func dropped(_ name: String) -> LMTPReply {
        around.count(name)
        return LMTPReply(250, "2.0.0", "taken")
    }

    private static func over(_ domain: String) -> LMTPReply {
        LMTPReply(550, "5.1.1", "this confirmation was used or is too old; write to optout@\(domain) again")
    }

    private static let trouble = LMTPReply(451, "4.3.0", "cannot be taken just now; try again later")
}
