public import WireFormat

/// The header of a message's part (doc/MESSAGES.md, parts), without its share.
public struct PartRow: Hashable, Sendable {
    public var message: MessageID
    /// Which group of shares, below `groups`.
    public var group: Int
    /// Groups of the message.
    public var groups: Int
    /// Shares of the group that rebuild it.
    public var k: Int
    /// Shares of the group that were made.
    public var n: Int
    /// Which share of the group, below `n`.
    public var index: Int
    /// Bytes of the encoded message.
    public var messageLength: Int

    public init(message: MessageID, group: Int, groups: Int, k: Int, n: Int, index: Int, messageLength: Int) {
        self.message = message
        self.group = group
        self.groups = groups
        self.k = k
        self.n = n
        self.index = index
        self.messageLength = messageLength
    }

    /// Whether the numbers agree with one another.
    var isConsistent: Bool {
        (1...65_535).contains(groups) && (0..<groups).contains(group) && (1...255).contains(n) && (1...n).contains(k)
            && (0..<n).contains(index) && (0...Int(UInt32.max)).contains(messageLength)
    }
}

/// A message whose parts are being collected, as far as they have come.
public struct PartialMessage: Hashable, Sendable {
    /// One group of shares.
    public struct Group: Hashable, Sendable {
        public var k: Int
        public var n: Int
        /// Shares held.
        public var held: Int
        /// Bytes of each share.
        public var shareLength: Int
    }
    public var message: MessageID
    /// Bytes of the encoded message.
    public var length: Int
    /// Groups that the message consists of.
    public var groupCount: Int
    /// Those of which a share has come, by number.
    public var groups: [Int: Group]
    /// Whether every group can be rebuilt.
    public var isComplete: Bool
}

/// One share, as it came.
public struct StoredShare: Hashable, Sendable {
    /// Its number within the group.
    public var index: Int
    public var bytes: [UInt8]
}
