// How a message of a given length is cut into parts. Both sides derive everything from the length, so that a part's
// header can be checked in full by whoever receives it, and a part with any other numbers is refused.

/// Room for a share in one packet.
public enum ShareCapacity: Int, Hashable, Sendable, CaseIterable {
    /// 25,588 bytes: content of 25,620 less its header (4) and the part's header (28).
    case full = 25_588
    /// 18,392 bytes, in a part that another node injects through a reply block: 25,616 less first node (32), header
    /// (7,116) and payload key (32) is 18,436; less the seal's tag (16) and the part's header (28).
    case injected = 18_392
}

/// The cut of a message into groups of shares.
///
/// With L the message's length and S the capacity of a share:
/// - L <= S: one group, k = n = 1, and the share is the message itself, L bytes; sent once or several times.
/// - else K = ceil(L / S) data shares of S bytes, the last one filled up with zeros. Groups take 64 data shares each,
///   the last group what is left; a group of k has n = k + ceil(k / 3) + 1 shares, any k of which rebuild it.
public struct PartLayout: Hashable, Sendable {
    /// Bytes of the encoded message, at least 1.
    public let messageLength: Int
    /// Which packets carry the shares.
    public let capacity: ShareCapacity

    /// Most data shares in a group: it bounds the memory and the arithmetic of rebuilding one (64 shares, 1.6 MB).
    public static let dataSharesPerGroup = 64

    /// The layout of a message of `messageLength` bytes; `messageLength` thrown outside 1 ... `limit`.
    public init(
        messageLength: Int, capacity: ShareCapacity = .full, limit: Int = MessageLimits.encoded
    ) throws(PayloadError) {
        // A part names the length in 32 bits, and then groups fit their 16.
        guard messageLength >= 1, messageLength <= limit, messageLength <= UInt32.max else { throw .messageLength }
        self.messageLength = messageLength
        self.capacity = capacity
    }

    /// Whether one share holds the message.
    public var isSingle: Bool { messageLength <= capacity.rawValue }

    /// Bytes of every share.
    public var shareSize: Int { isSingle ? messageLength : capacity.rawValue }

    /// Data shares of all groups.
    public var dataShares: Int { (messageLength - 1) / capacity.rawValue + 1 }

    /// Number of groups, at least 1.
    public var groups: Int { (dataShares - 1) / Self.dataSharesPerGroup + 1 }

    /// Number of parts: shares of all groups, each counted once.
    public var parts: Int { (0..<groups).reduce(0) { $0 + (group($1)?.totalShares ?? 0) } }

    /// One group of a layout.
    public struct Group: Hashable, Sendable {
        /// Its number, from 0.
        public let number: Int
        /// k: shares of data, 1 to 64. These come first.
        public let dataShares: Int
        /// n: shares with redundancy, at most 87.
        public let totalShares: Int
        /// Where its data begins in the message.
        public let offset: Int
        /// Bytes of the message in it; the padding of its last data share is not counted.
        public let length: Int
    }

    /// The group with this number; nil if there is none.
    public func group(_ number: Int) -> Group? {
        guard number >= 0, number < groups else { return nil }
        let first = number * Self.dataSharesPerGroup
        let k = min(Self.dataSharesPerGroup, dataShares - first)
        let offset = first * capacity.rawValue
        return Group(
            number: number, dataShares: k, totalShares: isSingle ? 1 : k + (k + 2) / 3 + 1, offset: offset,
            length: min(k * capacity.rawValue, messageLength - offset))
    }
}
