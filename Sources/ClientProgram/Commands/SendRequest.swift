internal import Messages
public import WireFormat

/// What a message is made of, whichever way it goes: the options that `send`, `reply` and `count-packets` share.
public struct ComposeRequest: Sendable {
    /// The mail's file; nil and `-` are standard input.
    public var file: String?
    /// The mail itself, in place of a file.
    public var content: [UInt8]?
    /// Replaces the mail's subject.
    public var subject: String?
    /// Shown before the exit's address.
    public var displayName: String?
    /// A message id with its angle brackets.
    public var inReplyTo: String?
    /// Message ids with their angle brackets, blanks between.
    public var references: String?
    /// The input is not a mail but bytes, delivered as they are.
    public var isRaw = false
    /// A file with a public key, a contact's name, or the key's text: the mail is sealed to it.
    public var encryptTo: String?
    /// Whether mail to a contact whose key is known is sealed to that key without being asked.
    public var sealsToContacts = true
    /// Reply blocks of one's own to enclose in each message.
    public var enclose = 0
    /// Whose reply blocks; nil for the default identity.
    public var identity: String?
    /// Where the keyring's passphrase is read from.
    public var passphrase = PassphraseSource.terminal

    public init(file: String? = nil) { self.file = file }

    /// Most reply blocks in one message.
    public static var maximumEnclosed: Int { MessageLimits.replyBlocks }
}

/// What `nightjar send` is asked for. What the message is made of can be named without `message.`
@dynamicMemberLookup
public struct SendRequest: Sendable {
    /// The message.
    public var message: ComposeRequest
    /// Addresses, contacts or aliases as people write them.
    public var recipients: [String] = []
    /// The recipients in the mail's own To, Cc and Bcc are taken too.
    public var takesRecipientsFromMail = false
    /// What the path must be, instead of what the settings say.
    public var path: String?
    /// Copies of a message of a single part, instead of what the settings say.
    public var copies: Int?
    /// Short delays.
    public var isUrgent = false
    /// Parts whose receipt does not come are sent again.
    public var isReliable = false
    /// Whether a receipt is asked for; nil: if that is possible.
    public var receipt: Bool?
    /// The network to use.
    public var network: String?
    /// Whether to hand the packets over now; else they only wait in the queue.
    public var delivers = true
    /// How long to try (real time), instead of what the settings say.
    public var timeout: Interval?
    /// Prints a report as JSON.
    public var json = false
    /// Where lines for programs are written.
    public var statusDescriptor: Int32?

    public init(file: String? = nil, recipients: [String] = []) {
        message = ComposeRequest(file: file)
        self.recipients = recipients
    }

    public subscript<Value>(dynamicMember path: WritableKeyPath<ComposeRequest, Value>) -> Value {
        get { message[keyPath: path] }
        set { message[keyPath: path] = newValue }
    }
}

/// What came of it; JSON for programs.
struct SendReport: Encodable, Sendable {
    var network: String
    /// Ids of the messages, one for each exit, for `nightjar sent`.
    var messages: [String] = []
    /// Parts that the message was cut into, over all exits.
    var parts = 0
    /// Packets made.
    var packets = 0
    /// Of these, how many first nodes have.
    var handedOver = 0
    /// Of these, how many wait in the queue.
    var waiting = 0
    /// Packets of earlier runs that wait as well.
    var waitingFromEarlier = 0
    /// Header fields left out.
    var leftOut: [String] = []

    /// Counts messages that were recorded.
    mutating func add(_ recorded: [SentMessage]) {
        messages += recorded.map(\.id.hex)
        parts += recorded.reduce(0) { $0 + ($1.layout?.parts ?? 0) }
        packets += recorded.reduce(0) { $0 + $1.firstPackets }
    }
}
