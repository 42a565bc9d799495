// Whom an exit writes to: an ordered list of rules from the operator's settings. The first rule that matches decides.

/// One rule, as an operator writes it: `allow PATTERN` or `deny PATTERN`.
public struct RecipientRule: Hashable, Sendable {
    /// Whom a rule is about. Compared in lower case, and without a `+extension` of the recipient.
    public enum Pattern: Hashable, Sendable {
        /// `*`
        case everyone
        /// `user@host`
        case address(user: String, host: String)
        /// `user@`: this user at any host.
        case user(String)
        /// `host`: this host alone.
        case host(String)
        /// `.host`: the host and all below it.
        case domain(String)
    }

    public var isAllowed: Bool
    public var pattern: Pattern

    public init(isAllowed: Bool, pattern: Pattern) {
        self.isAllowed = isAllowed
        self.pattern = pattern
    }

    /// Reads `allow PATTERN` or `deny PATTERN`.
    public init(_ text: String) throws(RecipientRuleError) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count == 2, words[0] == "allow" || words[0] == "deny" else { throw .form(text) }
        isAllowed = words[0] == "allow"
        let pattern = words[1].lowercased()
        if pattern == "*" {
            self.pattern = .everyone
        } else if pattern.hasSuffix("@") {
            let user = pattern.dropLast()
            guard MailRecipient.isUser(Array(user.utf8)[...]) else { throw .pattern(text) }
            self.pattern = .user(String(user))
        } else if pattern.contains("@") {
            guard let address = try? MailRecipient(pattern) else { throw .pattern(text) }
            self.pattern = .address(user: address.user, host: address.host)
        } else {
            let host = pattern.hasPrefix(".") ? pattern.dropFirst() : pattern[...]
            guard MailRecipient.isHost(Array(host.utf8)[...]) else { throw .pattern(text) }
            self.pattern = pattern.hasPrefix(".") ? .domain(String(host)) : .host(String(host))
        }
    }

    /// Whether the rule is about `recipient`.
    public func matches(_ recipient: MailRecipient) -> Bool {
        switch pattern {
        case .everyone: true
        case .address(let user, let host):
            recipient.host == host && (recipient.plainUser == user || recipient.user.lowercased() == user)
        case .user(let user): recipient.plainUser == user || recipient.user.lowercased() == user
        case .host(let host): recipient.host == host
        case .domain(let host): recipient.host == host || recipient.host.hasSuffix("." + host)
        }
    }
}

/// What is wrong with a rule's text.
public enum RecipientRuleError: Error, Hashable, CustomStringConvertible {
    case form(String)
    case pattern(String)

    public var description: String {
        switch self {
        case .form(let text):
            "recipient rule \"\(text)\" is not understood: write `allow PATTERN` or `deny PATTERN`"
        case .pattern(let text):
            "recipient rule \"\(text)\" has no valid pattern: write user@host, user@, host, .domain or *"
        }
    }
}

/// The exit's rules about recipients.
public struct RecipientPolicy: Hashable, Sendable {
    /// In order; the first that matches decides.
    public var rules: [RecipientRule]
    /// For recipients that no rule matches.
    public var allowsOthers: Bool
    /// Recipients of one message.
    public var maximumRecipients: Int

    public init(rules: [RecipientRule] = [], allowsOthers: Bool = true, maximumRecipients: Int = 8) {
        self.rules = rules
        self.allowsOthers = allowsOthers
        self.maximumRecipients = maximumRecipients
    }

    /// Nil if the exit writes to `recipient`.
    public func refusal(of recipient: MailRecipient) -> RefusalReason? {
        let isAllowed = rules.first { $0.matches(recipient) }?.isAllowed ?? allowsOthers
        return isAllowed ? nil : .deniedByPolicy
    }

    /// Checks a message's whole list: each address with either its checked form or why it is refused, in the order
    /// given.
    public func check(_ addresses: [String]) -> [Result<MailRecipient, RefusalReason>] {
        guard addresses.count <= maximumRecipients else { return addresses.map { _ in .failure(.tooManyRecipients) } }
        return addresses.map { address in
            do throws(RefusalReason) {
                let recipient = try MailRecipient(address)
                if let reason = refusal(of: recipient) { return .failure(reason) }
                return .success(recipient)
            } catch {
                return .failure(error)
            }
        }
    }
}
