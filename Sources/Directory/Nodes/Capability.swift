/// What a node does besides receiving packets, as its descriptor tells it: a name and `key=value` limits.
public struct Capability: Hashable, Sendable {
    /// Known names. A name that this version does not know is kept, so that newer nodes can be listed by older clients.
    public enum Name {
        /// Sends packets on to other nodes.
        public static let relay = "relay"
        /// Delivers `smtp:` addresses.
        public static let smtp = "exit-smtp"
        /// Delivers `mbox:` addresses at this node.
        public static let mbox = "exit-mbox"
        /// Offers mailboxes.
        public static let mailbox = "mailbox"
        /// Runs a nymserver.
        public static let nymserver = "nymserver"
    }

    /// The limit of `exit-smtp` at a node that does not write to everybody: whom it writes to (doc/EXITS.md).
    public static let level = "level"

    public let name: String
    /// Sorted by key.
    public let limits: [Limit]

    public struct Limit: Hashable, Sendable {
        public let key: String
        public let value: UInt64
    }

    public init(_ name: String, limits: [String: UInt64] = [:]) {
        self.name = name
        self.limits = limits.sorted { $0.key < $1.key }.map { Limit(key: $0.key, value: $0.value) }
    }

    /// The words of a `capability` item.
    var words: [String] { [name] + limits.map { "\($0.key)=\($0.value)" } }

    init?(words: [String]) {
        guard let name = words.first, Self.isToken(name) else { return nil }
        var limits: [Limit] = []
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isToken(parts[0]), let value = UInt64(parts[1]), String(value) == parts[1],
                limits.last.map({ $0.key < parts[0] }) ?? true
            else { return nil }
            limits.append(Limit(key: String(parts[0]), value: value))
        }
        self.name = name
        self.limits = limits
    }

    static func isToken(_ text: some StringProtocol) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}
