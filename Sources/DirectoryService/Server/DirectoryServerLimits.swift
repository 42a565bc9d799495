// Bounds of the directory's HTTP server, each with its reason. All times are real.

public import MMTP

/// What one server gives to all of its peers, and to each.
public struct DirectoryServerLimits: Hashable, Sendable {
    /// What one kind of request may use, so that no kind can use up what another one needs.
    public struct Share: Hashable, Sendable {
        /// Bytes in memory at one time. When there are no more, whoever holds most of them gives way, and gets no answer;
        /// who would hold most himself gets 503.
        public var bytes: Int
        /// Requests that are worked on at one time, from when their body is complete; further ones get 503.
        public var atOnce: Int
    }

    /// Connections and requests for each part of the Internet, and connections in all. A request counts as one frame, and
    /// as one more for each 256 KiB that are sent or posted. Peers on the loopback, such as a reverse proxy, are exempt
    /// from what is counted for each part of the Internet, and only from that: whoever sets one up limits there.
    public var peers: PeerLimits.Configuration
    /// Votes, proposals and signatures, on which the slot waits.
    public var slotDocuments = Share(bytes: 64 << 20, atOnce: 64)
    /// Evidence, which anybody may send, and which is large.
    public var evidence = Share(bytes: 64 << 20, atOnce: 8)
    /// Descriptors of nodes.
    public var descriptors = Share(bytes: 8 << 20, atOnce: 64)
    /// Measurement reports.
    public var reports = Share(bytes: 16 << 20, atOnce: 8)
    /// Statements of opt-outs.
    public var optOuts = Share(bytes: 8 << 20, atOnce: 8)
    /// What is fetched. Answers of up to 64 KiB, and those that are in memory once for all peers, do not count as bytes.
    public var answers = Share(bytes: 128 << 20, atOnce: 256)
    /// Bodies that a part of the Internet may be sending at one time.
    public var postsOfBlock = 16
    /// Bytes of each share that a part of the Internet may hold.
    public var bytesOfBlock = 32 << 20
    /// From the start of a connection to the end of its first request's head.
    public var firstHead = Duration.seconds(10)
    /// From the end of an answer to the end of the next request's head.
    public var nextHead = Duration.seconds(30)
    /// Without a byte of a body that is to come.
    public var bodySilence = Duration.seconds(10)
    /// As long as this a body may come slower than `slowestRate`.
    public var bodyWindow = Duration.seconds(15)
    /// For the work on a request, and for an answer, this besides the time for its bytes.
    public var exchange = Duration.seconds(60)
    /// Bytes a second that a peer must send, in each `bodyWindow`, and take, on the whole.
    public var slowestRate = 8192
    /// Between two pieces of an answer that the peer takes.
    public var silence = Duration.seconds(30)
    /// After an answer that ends the connection, so that the peer can read it.
    public var parting = Duration.seconds(2)
    /// For exchanges under way when the server stops.
    public var stopping = Duration.seconds(5)
    /// How often the times are looked at.
    public var tick = Duration.milliseconds(500)
    /// Bytes of all fields of a request's head, and of its first line.
    public var headBytes = 16 << 10
    /// Fields of a request's head.
    public var headFields = 64
    /// Bytes of compressed documents in memory.
    public var compressedBytes = 96 << 20

    /// The limits of an authority on the Internet.
    public init() {
        var peers = PeerLimits.Configuration()
        peers.connectionsPerMinute = 240
        peers.concurrentConnections = 32
        peers.framesPerSecond = 20
        peers.frameBurst = 1000
        peers.globalConnections = 2048
        self.peers = peers
    }

    /// Bytes that cost as much as a request.
    static let bytesPerFrame = 256 << 10
    /// Bytes that are handed to the network in one piece.
    static let piece = 64 << 10

    /// Bytes that must come in each `bodyWindow`.
    var bodyWindowBytes: Double { Double(slowestRate) * (bodyWindow / .seconds(1)) }

    /// The most time that `bytes` bytes may take.
    func exchange(of bytes: Int) -> Duration { exchange + .seconds(bytes / max(1, slowestRate)) }
}
