// The operator's table of local users: what `mbox:NAME` means at this node. A name from the network is only ever looked
// up in the table; no part of it becomes part of a path.

/// Where a local name leads.
public enum LocalMailbox: Hashable, Sendable {
    /// A Maildir, by its absolute path.
    case maildir(path: String)
    /// An ordinary address, to be reached through the exit's mail server.
    case mail(MailRecipient)
    /// A server of this machine that speaks LMTP, such as Dovecot's; without a recipient the name at the exit's own host.
    case lmtp(LMTPAddress, recipient: MailRecipient?)
    /// A program that takes the mail on its standard input.
    case program(MailProgram)
}

/// Local names and where they lead.
public struct LocalMailboxes: Hashable, Sendable {
    private var table: [String: LocalMailbox] = [:]

    /// An empty table.
    public init() {}

    /// Reads pairs of a name and an absolute path, `user@host`, `lmtp:ADDRESS`, `lmtp:ADDRESS user@host` (the address as
    /// `LMTPAddress` reads it) or `program:/path argument ...`.
    public init(_ pairs: some Sequence<(String, String)>) throws(LocalMailboxError) {
        for (name, target) in pairs {
            guard let name = Self.canonical(name) else { throw .name(name) }
            guard table[name] == nil else { throw .duplicate(name) }
            if target.hasPrefix("/") {
                guard !target.utf8.contains(0), !target.split(separator: "/").contains("..") else {
                    throw .target(target)
                }
                table[name] = .maildir(path: target)
            } else if let other = Self.module(target) {
                table[name] = other
            } else {
                guard let address = try? MailRecipient(target) else { throw .target(target) }
                table[name] = .mail(address)
            }
        }
    }

    /// Number of names.
    public var count: Int { table.count }

    /// All places that names lead to.
    public var targets: [LocalMailbox] { Array(table.values) }

    /// Where `name` leads; nil for a name that is not in the table (`RefusalReason.unknownMailbox`).
    public subscript(_ name: String) -> LocalMailbox? { Self.canonical(name).flatMap { table[$0] } }

    private static func module(_ target: String) -> LocalMailbox? {
        if target.hasPrefix("program:") {
            return MailProgram(String(target.dropFirst("program:".count))).map(LocalMailbox.program)
        }
        guard target.hasPrefix("lmtp:") else { return nil }
        let words = target.dropFirst("lmtp:".count).split(separator: " ").map(String.init)
        guard (1...2).contains(words.count), let address = LMTPAddress(words[0]), address.canBeReached else {
            return nil
        }
        guard words.count == 2 else { return .lmtp(address, recipient: nil) }
        return (try? MailRecipient(words[1])).map { .lmtp(address, recipient: $0) }
    }

    /// 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit; in lower case.
    static func canonical(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        guard (1...64).contains(bytes.count), let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({ isAlphanumeric($0) || ".-_".utf8.contains($0) })
        else { return nil }
        return name.lowercased()
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

/// What is wrong with a table of local mailboxes.
public enum LocalMailboxError: Error, Hashable, CustomStringConvertible {
    case name(String)
    case duplicate(String)
    case target(String)

    public var description: String {
        switch self {
        case .name(let name):
            "\"\(name)\" is no mailbox name: use 1 to 64 letters, digits, dots, hyphens and underscores"
        case .duplicate(let name):
            "the mailbox \"\(name)\" is there twice: names differ in more than the case of letters"
        case .target(let target):
            "\"\(target)\" is no place for mail: give the absolute path of a maildir, user@host, "
                + "lmtp:/path/of/a/socket, lmtp:127.0.0.1:port or program:/path"
        }
    }
}
