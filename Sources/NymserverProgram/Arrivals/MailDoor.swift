// Where mail comes in, by LMTP: from the domain's mail server, and from exit nodes that serve the domain. A mail for a nym is
// sealed to its key at once; in the clear it is in memory alone. "250" is said when it is on the disk.

internal import Daemon
internal import Exits
internal import NymProtocol
internal import Spool
internal import WireFormat

/// Takes mail.
struct MailDoor: LMTPReceiver, NymDoor {
    let parts: NymserverParts
    let requests: RequestDesk
    /// Hands a mail over to the operator's address, and waits for what becomes of it.
    let toOperator: @Sendable ([UInt8]) -> ExitOutcome

    /// Bytes of the longest mail over LMTP: a request of the largest size as text, and some header.
    static let longestMail = max(16 << 20, NymRequest.largestSealed / 3 * 4 + (1 << 20))

    /// Bytes that our own mail server adds to a mail after it has asked whether the mail is too large.
    static let traces = 4096

    // MARK: Before the mail

    /// Whether mail for `recipient` is taken.
    func check(recipient: String) -> LMTPReply { Self.reply(verdict(recipient: recipient, size: nil)) }

    func verdict(recipient: String, size: Int?) -> NymVerdict {
        guard let place = MailPlace(recipient, domain: parts.settings.domain) else { return .elsewhere }
        switch place {
        case .server, .forOperator: return .welcome
        case .nobody: return .unknown
        case .nym(let name):
            guard parts.room.isThere else { return .later }
            do throws(NymStoreError) {
                guard let (stored, account) = try find(name) else { return .unknown }
                let arrival = account.arrive(size: size ?? 0, load: NymLoad(stored.load), limits: parts.limits)
                switch arrival {
                case .whole, .synopsis, .held: return .welcome
                case .full: return .overQuota
                case .tooLarge: return .tooLarge(limit: parts.limits.mailSize)
                case .closed: return .unknown
                }
            } catch {
                parts.noteStore(error)
                return .later
            }
        }
    }

    private func find(_ name: NymName) throws(NymStoreError) -> (StoredNym, NymAccount)? {
        guard let id = try parts.store.account(named: name.text), let stored = try parts.store.account(id) else {
            return nil
        }
        guard let account = try? NymAccount(decoding: stored.content) else { throw .damaged(path: parts.store.path) }
        return (stored, account)
    }

    // MARK: The mail

    func deliver(_ mail: LMTPMail) -> [LMTPReply] {
        let now = parts.clock.now()
        return mail.recipients.map { recipient in
            guard let place = MailPlace(recipient, domain: parts.settings.domain) else { return Self.reply(.elsewhere) }
            switch place {
            case .nobody: return Self.reply(.unknown)
            case .forOperator: return forward(mail.content)
            case .server:
                guard parts.room.isThereForRequests else { return full() }
                return stored {
                    () throws(NymStoreError) in
                    try requests.take(mail.content, at: now)
                    return Self.taken
                }
            case .nym(let name):
                guard parts.room.isThere else { return full() }
                return stored { () throws(NymStoreError) in try arrive(mail, for: name, at: now) }
            }
        }
    }

    private func arrive(_ mail: LMTPMail, for name: NymName, at now: Timestamp) throws(NymStoreError) -> LMTPReply {
        guard let (stored, account) = try find(name) else { return Self.reply(.unknown) }
        let content =
            Array("Return-Path: <\(mail.sender)>\r\nDelivered-To: \(name)@\(parts.settings.domain)\r\n".utf8)
            + mail.content
        let (limits, day) = (parts.limits, NymTiming.day(of: now))
        let arrival = account.arrive(
            size: max(0, mail.content.count - Self.traces), load: NymLoad(stored.load), limits: limits)
        switch arrival {
        case .closed: return refused(.unknown)
        case .tooLarge: return refused(.tooLarge(limit: limits.mailSize))
        case .full: return refused(.overQuota)
        case .whole, .synopsis, .held: break
        }
        guard let sealed = try? NymSeal.seal(content, to: account.sealing),
            let synopsis = try? NymSeal.seal(
                NymSynopsis(of: mail.content, day: day).encoded, to: account.sealing)
        else { throw .other("a mail cannot be sealed to a nym's key") }
        let item = NewNymItem(
            parts: [
                NewNymPart(.mail, sealed, isWanted: arrival == .whole),
                NewNymPart(.synopsis, synopsis, isWanted: arrival == .synopsis),
            ], digest: ArrivalDigest.of(mail.content, for: name.text, key: parts.keys.arrivals), day: day,
            mostItems: limits.quotaItems, mostBytes: limits.quotaBytes)
        switch try parts.store.arrive(item, for: stored.id) {
        case .stored:
            parts.counters.count("mails_taken", kind: arrival.word)
            return Self.taken
        case .duplicate:
            parts.counters.count("mails_repeated")
            return Self.taken
        case .full: return refused(.overQuota)
        case .noAccount: return refused(.unknown)
        }
    }

    private func forward(_ content: [UInt8]) -> LMTPReply {
        guard content.count <= parts.limits.mailSize else { return refused(.tooLarge(limit: parts.limits.mailSize)) }
        switch toOperator(content) {
        case .delivered:
            parts.counters.count("mails_to_operator")
            return Self.taken
        case .deferred: return refused(.later)
        case .refused: return LMTPReply(554, "5.7.1", "the operator's mail server does not take it")
        }
    }

    private func stored(_ body: () throws(NymStoreError) -> LMTPReply) -> LMTPReply {
        do throws(NymStoreError) {
            let reply = try body()
            parts.noteStore(nil)
            return reply
        } catch {
            parts.noteStore(error)
            if case .full = error { return full() }
            return refused(.later)
        }
    }

    private func full() -> LMTPReply {
        parts.counters.count("mails_refused", kind: "disk-full")
        return LMTPReply(452, "4.3.1", "no room on the disk; try again later")
    }

    private func refused(_ verdict: NymVerdict) -> LMTPReply {
        parts.counters.count("mails_refused", kind: verdict.word)
        return Self.reply(verdict)
    }

    // MARK: Replies

    private static let taken = LMTPReply(250, "2.0.0", "taken")

    private static func reply(_ verdict: NymVerdict) -> LMTPReply {
        switch verdict {
        case .welcome: LMTPReply(250, "2.1.5", "recipient ok")
        case .elsewhere: LMTPReply(550, "5.1.2", "not a domain of this server")
        case .unknown: LMTPReply(550, "5.1.1", "there is no such address here")
        case .overQuota: LMTPReply(452, "4.2.2", "the mailbox is full; try again later")
        case .tooLarge(let limit): LMTPReply(552, "5.3.4", "the mail is too large; \(limit) bytes are taken")
        case .later: LMTPReply(451, "4.3.0", "try again later")
        }
    }
}

extension NewNymPart {
    /// Content of which all waits, or which is held until somebody asks. Of an item's parts the mail counts.
    init(_ kind: NymItemKind, _ sealed: [UInt8], isWanted: Bool) {
        let wanted = isWanted ? WantedRanges(allOf: UInt32(clamping: sealed.count)) : WantedRanges()
        self.init(
            kind: kind.rawValue, content: sealed, wanted: wanted.encoded, waiting: UInt32(clamping: wanted.count),
            isHeld: !isWanted, counts: kind != .synopsis)
    }
}

extension NymVerdict {
    /// For a counter.
    fileprivate var word: String {
        switch self {
        case .elsewhere: "elsewhere"
        case .welcome: "welcome"
        case .unknown: "unknown"
        case .overQuota: "over-quota"
        case .tooLarge: "too-large"
        case .later: "later"
        }
    }
}

extension NymArrival {
    /// For a counter.
    fileprivate var word: String {
        switch self {
        case .whole: "whole"
        case .synopsis: "synopsis"
        case .held: "held"
        case .full: "full"
        case .tooLarge: "too-large"
        case .closed: "closed"
        }
    }
}
