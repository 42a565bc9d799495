// Where a message goes after the last node. Addresses come from people's command lines and from envelopes; both pass
// the same parser, and what it lets through has one spelling only.

public import WireFormat

/// Why text is not an address.
public enum AddressError: Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case empty, tooLong, controlCharacter, notASCII
    case unknownScheme, reservedScheme, missingAt, badLocalPart, quotedLocalPart, badHost, hostLiteral
    case badMailbox, badNode, badName, dropHasMore, notCanonical

    public var description: String {
        switch self {
        case .empty: "the address is empty; write for example user@example.org"
        case .tooLong: "the address is longer than \(MessageLimits.address) bytes; use a shorter one"
        case .controlCharacter: "the address has a control character or space; remove it"
        case .notASCII: "the address has characters outside ascii; write its domain in the xn-- form"
        case .unknownScheme: "the address has an unknown kind; use smtp:, box:, mbox:, nym: or drop:"
        case .reservedScheme: "news: is reserved and not delivered yet; use an smtp: address of a mail-to-news gateway"
        case .missingAt: "the address needs one @; write for example user@example.org"
        case .badLocalPart:
            "the part before @ is not valid; use at most 64 letters, digits and #$&'*+-/=?^_`{|}~ "
                + "with single dots between"
        case .quotedLocalPart: "quoted names before @ are not supported; use an address without quotes"
        case .badHost:
            "the part after @ is not a host name; use labels of letters, digits and hyphens with dots between"
        case .hostLiteral: "an ip address after @ is not supported; use a host name"
        case .badMailbox:
            "a mailbox is named by its id; write box: and 64 lower-case hexadecimal digits, then @ and the node"
        case .badNode: "the part after @ is not a node's name or id; use letters, digits, hyphens and underscores"
        case .badName:
            "the name before @ is not valid; use at most 64 lower-case letters, digits, dots, hyphens, underscores"
        case .dropHasMore: "nothing may follow drop:; remove the rest"
        case .notCanonical: "the address is not in its canonical spelling"
        }
    }
}

/// A place of delivery. At most 320 bytes of ASCII in text form; two addresses are equal if their texts are.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// What delivers it.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// `smtp:user@host`: ordinary mail.
        case smtp
        /// `box:ID@NODE`: a mailbox at a node; the id is the hash of its key.
        case box
        /// `mbox:NAME@NODE`: a local user that the node's operator has mapped.
        case mbox
        /// `nym:NAME@DOMAIN`: a pseudonym at a nymserver.
        case nym
        /// `drop:`: nowhere.
        case drop
    }

    /// What delivers it.
    public let kind: Kind
    /// Before the @: local part, mailbox id in hexadecimal, or name. Empty for `drop:`.
    public let user: String
    /// Behind the @: host, node or domain, in lower case. Empty for `drop:`.
    public let host: String

    /// Delivers nowhere: for cover that ends at an exit.
    public static let drop = Address(kind: .drop, user: "", host: "")

    private init(kind: Kind, user: String, host: String) {
        self.kind = kind
        self.user = user
        self.host = host
    }

    /// Reads what a person types. `user@host` alone means `smtp:`; host names may have capital letters.
    public init(_ text: some StringProtocol) throws(AddressError) {
        guard !text.isEmpty else { throw .empty }
        let bytes = Array(text.utf8)
        guard bytes.count <= MessageLimits.address else { throw .tooLong }
        for byte in bytes {
            if byte <= 0x20 || byte == 0x7F { throw .controlCharacter }
            if byte > 0x7F { throw .notASCII }
        }
        let parsed: Address
        if let colon = bytes.firstIndex(of: 0x3A), bytes[colon...].firstIndex(of: 0x22) == nil, bytes.first != 0x22,
            !bytes[..<colon].contains(0x40)
        {
            let scheme = String(decoding: bytes[..<colon], as: UTF8.self)
            guard scheme != "news" else { throw .reservedScheme }
            guard let kind = Kind(rawValue: scheme) else { throw .unknownScheme }
            parsed = try Self.parse(kind, bytes[(colon + 1)...])
        } else {
            parsed = try Self.parse(.smtp, bytes[...])
        }
        // "smtp:" in front of a bare address may take it over the bound.
        guard parsed.description.utf8.count <= MessageLimits.address else { throw .tooLong }
        self = parsed
    }

    /// Reads the one spelling that envelopes hold.
    public init(canonical text: some StringProtocol) throws(AddressError) {
        let address = try Address(text)
        guard address.description == text else { throw .notCanonical }
        self = address
    }

    /// The canonical spelling, with its kind.
    public var description: String { kind == .drop ? "drop:" : "\(kind.rawValue):\(user)@\(host)" }

    /// The id of a `box:` address, 32 bytes.
    public var mailbox: Digest? { kind == .box ? Digest(hex: user) : nil }

    /// `user@host` of an `smtp:` address, as it stands in RCPT TO.
    public var mailAddress: String? { kind == .smtp ? "\(user)@\(host)" : nil }

    private static func parse(_ kind: Kind, _ rest: ArraySlice<UInt8>) throws(AddressError) -> Address {
        if kind == .drop {
            guard rest.isEmpty else { throw .dropHasMore }
            return .drop
        }
        if kind == .smtp, rest.contains(0x22) { throw .quotedLocalPart }
        let sides = rest.split(separator: 0x40, omittingEmptySubsequences: false)
        guard sides.count == 2 else { throw .missingAt }
        let user = String(decoding: sides[0], as: UTF8.self)
        switch kind {
        case .smtp: guard isDotAtom(sides[0]) else { throw .badLocalPart }
        case .box: guard Digest(hex: user) != nil else { throw .badMailbox }
        case .mbox, .nym, .drop: guard isName(sides[0]) else { throw .badName }
        }
        switch kind {
        case .smtp, .nym: return Address(kind: kind, user: user, host: try hostName(sides[1]))
        case .box, .mbox, .drop:
            guard isNode(sides[1]) else { throw .badNode }
            // Nodes' names are compared without case.
            return Address(kind: kind, user: user, host: String(decoding: sides[1], as: UTF8.self).lowercased())
        }
    }

    /// Dot-string of RFC 5321 section 4.1.2, at most 64 bytes (section 4.5.3.1.1), without the `%` and `!` of old source
    /// routes, which exits refuse because they would lead around their rules.
    private static func isDotAtom(_ text: ArraySlice<UInt8>) -> Bool {
        let special = Array("#$&'*+-/=?^_`{|}~".utf8)
        return text.count <= 64
            && text.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty && atom.allSatisfy { isAlphanumeric($0) || special.contains($0) }
            }
    }

    /// Host name of RFC 1123 section 2.1 in lower case: labels of 1 to 63 characters, at most 253 in all, the last
    /// label not only digits.
    private static func hostName(_ text: ArraySlice<UInt8>) throws(AddressError) -> String {
        guard text.first != 0x5B else { throw .hostLiteral }
        let labels = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard text.count <= 253,
            labels.allSatisfy({ label in
                (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                    && label.allSatisfy { isAlphanumeric($0) || $0 == 0x2D }
            })
        else { throw .badHost }
        guard labels.last?.allSatisfy({ (0x30...0x39).contains($0) }) == false else { throw .hostLiteral }
        return String(decoding: text, as: UTF8.self).lowercased()
    }

    /// A node's nickname or its id in hexadecimal: 1 to 64 letters, digits, hyphens, underscores.
    private static func isNode(_ text: ArraySlice<UInt8>) -> Bool {
        (1...64).contains(text.count) && text.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
    }

    /// 1 to 64 lower-case letters, digits, and single dots, hyphens, underscores that neither begin nor end it. A
    /// name becomes a file's name at some exits, so that `..` and a leading dot must not pass.
    private static func isName(_ text: ArraySlice<UInt8>) -> Bool {
        guard (1...64).contains(text.count), let first = text.first, let last = text.last else { return false }
        func isPlain(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        guard isPlain(first), isPlain(last) else { return false }
        return zip(text, text.dropFirst()).allSatisfy { byte, next in
            isPlain(byte) || ([0x2D, 0x2E, 0x5F].contains(byte) && isPlain(next))
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
