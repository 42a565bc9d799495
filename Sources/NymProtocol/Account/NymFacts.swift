public import WireFormat

/// What an account must know of the world to execute a request; the server looks it up before.
public struct NymFacts: Sendable {
    /// The server's domain.
    public var domain: String
    /// Of the names that the request wants: those that somebody has or had.
    public var takenNames: Set<NymName>
    /// Of the recipients of its mails: those who want none.
    public var declined: Set<String>
    /// Of the items that it asks for: those that the account has.
    public var knownItems: Set<UInt64>
    /// Reply blocks of the account's generation.
    public var blocks: Int
    /// Accounts of the server.
    public var accounts: Int

    /// Bytes of the account's mails that wait for the mail server.
    public var outgoingBytes: UInt64

    public init(
        domain: String, takenNames: Set<NymName> = [], declined: Set<String> = [], knownItems: Set<UInt64> = [],
        blocks: Int = 0, accounts: Int = 0, outgoingBytes: UInt64 = 0
    ) {
        self.outgoingBytes = outgoingBytes
        self.domain = domain
        self.takenNames = takenNames
        self.declined = declined
        self.knownItems = knownItems
        self.blocks = blocks
        self.accounts = accounts
    }
}

extension NymRequest {
    /// Names that it wants to have, whose owners the facts must tell.
    public var wantedNames: [NymName] {
        commands.compactMap { command in
            switch command {
            case .create: account
            case .addAlias(let name, _): name
            default: nil
            }
        }
    }

    /// Recipients of its mails.
    public var recipients: Set<String> {
        commands.reduce(into: []) { if case .send(let mail) = $1 { $0.formUnion(mail.recipients) } }
    }

    /// Items that it asks for.
    public var wantedItems: Set<UInt64> {
        commands.reduce(into: []) { if case .get(let ranges) = $1 { $0.formUnion(ranges.map(\.item)) } }
    }
}

/// What an account's rows in the store come to.
public struct NymLoad: Hashable, Sendable {
    /// Mails and notices.
    public var items: Int
    /// Bytes of everything sealed, synopses too.
    public var bytes: UInt64
    /// Items of which bytes wait to be sent, and these bytes.
    public var waitingItems: Int
    public var waitingBytes: UInt64
    /// Mails that come only when they are asked for.
    public var heldItems: Int
    public var blocks: Int
    public var blocksUntil: Timestamp?

    public init(
        items: Int = 0, bytes: UInt64 = 0, waitingItems: Int = 0, waitingBytes: UInt64 = 0, heldItems: Int = 0,
        blocks: Int = 0, blocksUntil: Timestamp? = nil
    ) {
        self.items = items
        self.bytes = bytes
        self.waitingItems = waitingItems
        self.waitingBytes = waitingBytes
        self.heldItems = heldItems
        self.blocks = blocks
        self.blocksUntil = blocksUntil
    }
}
