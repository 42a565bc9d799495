// What stands around the reassembler at a node where messages end: the store of records, receipts, the reply gateway, and
// answers that leave by mail. `Node` starts and stops it.

internal import Exits
internal import Logging
internal import Messages
internal import MixCrypto
internal import Mixing
internal import NIOPosix
internal import Spool
internal import WireFormat

struct ExitServices: Sendable {
    let receipts: ReceiptDesk
    /// Nil without `[exit.gateway]`.
    let gateway: ReplyGateway?
    private let pools: ReplyPools?
    let records: RecordStore
    /// Nil at a node that is no exit.
    private(set) var optOuts: OptOutServices?
    private let gatewaySettings: GatewaySettings?
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (String) -> Void
    /// Of the door for mail: a question to somebody's mail server may take a minute, which nothing else waits for.
    private static let doorThreads = {
        let threads = NIOThreadPool(numberOfThreads: 4)
        threads.start()
        return threads
    }()

    /// Opens the store of records and takes up what an earlier run left.
    /// - Parameters:
    ///   - path: of the store.
    ///   - storage: the node's storage key.
    ///   - tokenKey: makes the tokens of reply addresses.
    ///   - optOuts: opens the lists of opt-outs; nil for a node that is no exit.
    init(
        path: String, storage: SymmetricSecret, tokenKey: SymmetricSecret, gateway settings: GatewaySettings?,
        courier: ReplyCourier, rememberFor: Interval, clock: @escaping @Sendable () -> Timestamp,
        counters: NodeCounters, logger: Logger, optOuts: ((ExitServices) throws -> OptOutServices)? = nil
    ) throws {
        do throws(SpoolError) {
            records = try RecordStore.open(path: path, key: storage)
        } catch .setAside(let path, let name) {
            // Receipts and reply addresses of earlier mail are lost; mail itself is not.
            logger.critical("\(SpoolError.setAside(path: path, as: name)); going on with a new one")
            records = try RecordStore.open(path: path, key: storage)
        }
        self.clock = clock
        count = { counters.count($0) }
        gatewaySettings = settings
        receipts = ReceiptDesk(
            records: records, courier: courier, rememberFor: rememberFor, clock: clock, count: count)
        if let settings {
            let pools = ReplyPools(
                records: records, key: tokenKey.derive(salt: [], info: "nightjar/1 reply address", count: 32),
                keep: settings.keep, count: { counters.count($0, by: $1) })
            self.pools = pools
            gateway = ReplyGateway(settings: settings, pools: pools, courier: courier, clock: clock, count: count)
        } else {
            pools = nil
            gateway = nil
        }
        if let optOuts { self.optOuts = try optOuts(self) }
        let damaged = try receipts.resume()
        if damaged > 0 { logger.error("\(damaged) damaged records of receipts are gone; going on without them") }
    }

    /// Keeps a message's reply blocks for the gateway, durably; without one they are dropped and counted.
    func keepReplyBlocks(_ envelope: Envelope, _ message: MessageID, _ recipients: [String]) throws(SpoolError) {
        let blocks = envelope.replyBlocks
        // A mailbox gets the message whole, blocks included.
        let mailed = recipients.filter { !$0.hasPrefix("box:") }
        guard !blocks.isEmpty, !mailed.isEmpty else { return }
        guard let pools else { return count("gateway_missing") }
        try pools.keep(blocks, of: message, recipients: mailed, now: clock())
    }

    /// What Reply-To says in a mail.
    func replyAddress(_ message: MessageID, _ recipient: String, _ now: Timestamp) -> MailRecipient? {
        gateway?.address(for: message, recipient: recipient, now: now)
    }

    /// Listens for answers; nil without a gateway.
    func listen() async throws -> LMTPServer? {
        guard let settings = gatewaySettings, let gateway else { return nil }
        let server = LMTPServerSettings(
            address: settings.listen, name: settings.domain, limits: LMTPLimits(mail: GatewaySettings.maximumMail))
        return try await LMTPServer.bind(
            server, receiver: GatewayDoor(replies: gateway, optOuts: optOuts?.door), threadPool: Self.doorThreads)
    }

    /// Tells the time: what has expired is forgotten, what was delayed is tried again.
    func turn(now: Timestamp) {
        receipts.turn(now: now)
        optOuts?.desk.turn(at: now)
    }

    /// Waits until what was asked for is done, then gives the store back.
    func close() {
        receipts.drain()
        records.close()
    }
}
