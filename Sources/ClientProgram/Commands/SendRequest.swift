public import WireFormat

/// What `nightjar send` is asked for.
public struct SendRequest: Sendable {
    /// The mail's file; nil and `-` are standard input.
    public var file: String?
    /// Addresses as people write them.
    public var recipients: [String] = []
    /// Replaces the mail's subject.
    public var subject: String?
    /// Shown before the exit's address.
    public var displayName: String?
    /// A message id with its angle brackets.
    public var inReplyTo: String?
    /// What the path must be, instead of what the settings say.
    public var path: String?
    /// Copies of a message of a single part, instead of what the settings say.
    public var copies: Int?
    /// Short delays.
    public var isUrgent = false
    /// The network to use.
    public var network: String?
    /// Whether to hand the packets over now; else they only wait in the queue.
    public var delivers = true
    /// How long to try (real time), instead of what the settings say.
    public var timeout: Interval?
    /// Prints a report as JSON.
    public var json = false

    public init(file: String? = nil, recipients: [String] = []) {
        self.file = file
        self.recipients = recipients
    }
}

/// What came of it; JSON for programs.
struct SendReport: Encodable, Sendable {
    var network: String
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
}
