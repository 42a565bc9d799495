public import WireFormat

/// What `nightjar reply` is asked for.
public struct ReplyRequest: Sendable {
    /// The message.
    public var message: ComposeRequest
    /// Files with reply blocks; `-` is standard input. With none of these, no descriptor and no
    /// `blocks` the blocks stand in the
    /// message itself.
    public var blockFiles: [String] = []
    /// A descriptor to read reply blocks from.
    public var blockDescriptor: Int32?
    /// Reply blocks themselves, 7,224 bytes each.
    public var blocks: [[UInt8]] = []
    /// Packets go straight to the blocks' first nodes, which then see where they come from.
    public var isDirect = false
    /// What one's own path must be, instead of what the settings say. Its last node puts the packets into the blocks'
    /// paths.
    public var path: String?
    /// Short delays on one's own path.
    public var isUrgent = false
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

    public init(message: ComposeRequest) { self.message = message }

    /// Whether the blocks stand in the message itself.
    var takesBlocksFromMessage: Bool { blockFiles.isEmpty && blockDescriptor == nil && blocks.isEmpty }
}

/// What came of it; JSON for programs.
struct ReplyReport: Encodable, Sendable {
    var network: String
    /// Packets made, and reply blocks used.
    var packets = 0
    /// Of these, how many first nodes have.
    var handedOver = 0
    /// Of these, how many wait.
    var waiting = 0
    /// Usable reply blocks that are left of those given.
    var blocksLeft = 0
    /// Header fields left out.
    var leftOut: [String] = []
}
