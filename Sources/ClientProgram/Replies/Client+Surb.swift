// `nightjar surb`: making reply blocks, looking at them, and the list of those made.

internal import Daemon
internal import Directory
internal import Messages
internal import Sphinx
internal import Spool
internal import WireFormat

/// What `nightjar surb new` is asked for.
public struct SurbRequest: Sendable {
    /// Most blocks of one command.
    public static let countRange = 1...256

    public var count = 1
    /// An address, or one of our mailboxes; without it the default mailbox.
    public var to: String?
    public var identity: String?
    /// What the path must be, instead of what the settings say.
    public var path: String?
    public var network: String?
    /// A file, instead of standard output.
    public var output: String?
    /// Bytes instead of armor.
    public var isBinary = false
    public var json = false
    /// Where a line for each block's id goes.
    public var statusDescriptor: Int32?
    public var passphrase = PassphraseSource.terminal

    public init() {}
}

/// A block as JSON.
private struct SurbReport: Encodable {
    var id: String
    var identity: String
    var expires: String
    var firstNode: String
    var target: String
    /// Armor; not if the blocks go to a file.
    var block: String?
}

/// Somebody's block as JSON.
private struct SurbInspection: Encodable {
    var digest: String
    var expires: String
    var isExpired: Bool
    var firstNode: String
    /// When we used it, if it is somebody else's.
    var used: String?
    /// Of a block that we made ourselves and noted.
    var id: String?
    var identity: String?
    var answered: String?
}

private struct SurbInspections: Encodable {
    var blocks: [SurbInspection]
    var damaged: Int
}

/// A block of the log as JSON.
private struct OwnSurbReport: Encodable {
    var id: String
    var identity: String
    var made: String
    var expires: String
    var isExpired: Bool
    var answered: String?
    var target: String
}

extension Client {
    /// Longest file of reply blocks.
    private static let blocksLimit = 16 << 20

    /// Makes reply blocks and prints them.
    public func makeSurbs(_ request: SurbRequest) throws {
        guard SurbRequest.countRange.contains(request.count) else {
            throw CommandFailure(
                "-n takes \(SurbRequest.countRange.lowerBound) to \(SurbRequest.countRange.upperBound)", code: .usage)
        }
        if request.isBinary, request.output == nil {
            guard !request.json else {
                throw CommandFailure("--binary with --json needs a file for the blocks: add -o FILE", code: .usage)
            }
            guard !terminal.outputIsTerminal else {
                throw CommandFailure("bytes would spoil the terminal; add -o FILE, or leave out --binary", code: .usage)
            }
        }
        let identity = try EntryName.check(request.identity ?? SURBSecretSchedule.standard, of: "an identity")
        guard identity != SURBSecretSchedule.receipts else { throw KeyringError.reservedIdentity }
        let status = try StatusLines(descriptor: request.statusDescriptor)
        let path = try request.path.map { text throws(PathError) in try PathSpecification(text) } ?? config.path
        let network = try network(request.network)
        let keyring = try Keyring.open(self, passphrase: request.passphrase)
        let target = try replyTarget(request.to, keyring: keyring, network: network)
        var generator = SystemRandomNumberGenerator()
        let blocks = try makeReplyBlocks(
            request.count, identity: identity, target: target, path: path, keyring: keyring, network: network,
            using: &generator)

        let bytes =
            request.isBinary
            ? blocks.flatMap(\.surb.encoded)
            : blocks.flatMap { Array(Armor.encode($0.surb.encoded, kind: .replyBlock).utf8) }
        if let output = request.output {
            try AtomicFile.write(bytes, to: output)
        } else if !request.json {
            try terminal.write(bytes: bytes)
        }
        if request.json {
            let reports = blocks.map { surb, id in
                SurbReport(
                    id: id.hex, identity: identity, expires: surb.expiry.description,
                    firstNode: Self.name(of: surb.first, in: network), target: target.text,
                    block: request.output == nil ? Armor.encode(surb.encoded, kind: .replyBlock) : nil)
            }
            try terminal.print(JSONText.encode(reports))
        }
        for (_, id) in blocks { status.write("GENERATED_SURB", id.hex) }
        if let expiry = blocks.map(\.surb.expiry).min() {
            note(
                "\(Count.text(blocks.count, "reply block")) of the identity \(identity), good until \(expiry); answers go to "
                    + target.address.description)
        }
    }

    private func replyTarget(_ text: String?, keyring: Keyring, network: Network) throws -> ReplyTarget {
        guard let text else {
            guard let target = try ownReplyTarget(keyring, network) else {
                throw CommandFailure(
                    "there is no place for answers to go: make a mailbox with `nightjar mailbox create`, or give an address "
                        + "with --to", code: .usage)
            }
            return target
        }
        let boxes = keyring.mailboxes(in: network.name)
        if EntryName.isValid(text) {
            if let target = boxes.first(where: { $0.name == text })?.replyTarget { return target }
            if let address = config.aliases[text], let target = ReplyTarget(address: address) { return target }
            throw KeyringError.unknown(what: "mailbox", text, command: "nightjar mailbox list")
        }
        let address = try Self.address(text)
        // Our own mailbox lets answers in by its token.
        if let target = boxes.lazy.compactMap(\.replyTarget).first(where: { $0.address == address }) { return target }
        guard let target = ReplyTarget(address: address) else { throw ReplyTargetError(address: text) }
        return target
    }

    private static func name(of node: NodeID, in network: Network?) -> String {
        network?.node(node)?.fields.nickname.text ?? node.hex
    }

    /// Says what can be seen of reply blocks in files, or in standard input if there are none.
    public func inspectSurbs(_ files: [String], network name: String?, json: Bool) throws {
        var (found, damaged): ([SURB], Int) = ([], 0)
        for file in files.isEmpty ? ["-"] : files {
            let text = ReplyBlockText(
                try file == "-"
                    ? MailInput.read(nil, bodyLimit: Self.blocksLimit, terminal: terminal)
                    : AtomicFile.read(file, limit: Self.blocksLimit))
            found += text.blocks
            damaged += text.damaged
        }
        guard !found.isEmpty else {
            throw CommandFailure(
                damaged > 0
                    ? "\(damaged == 1 ? "the reply block in it is" : "all \(damaged) reply blocks in it are") damaged; "
                        + "have new ones sent"
                    : "there is no reply block in it")
        }
        // The network only gives nodes their names.
        let network = try? anyNetwork(name)
        let now = time.clock.now()
        let records = ClientPlaces.isThere(places.records) ? try records() : nil
        defer { records?.close() }
        let own = try records.map { try ReplyBlockLog($0).all() } ?? []
        let blocks = try found.map { surb in
            let mine = own.first { $0.digest == surb.digest }
            return SurbInspection(
                digest: surb.digest.hex, expires: surb.expiry.description, isExpired: surb.expiry <= now,
                firstNode: Self.name(of: surb.first, in: network),
                used: try records.flatMap { try UsedReplyBlocks($0).date(surb)?.description }, id: mine?.id.hex,
                identity: mine?.identity, answered: mine?.answered?.description)
        }
        if json {
            try terminal.print(JSONText.encode(SurbInspections(blocks: blocks, damaged: damaged)))
        } else {
            for (index, block) in blocks.enumerated() {
                if index > 0 { try terminal.print("") }
                try terminal.print("digest      \(block.digest)")
                try terminal.print("expires     \(block.expires)\(block.isExpired ? " (expired)" : "")")
                try terminal.print("first node  \(block.firstNode)")
                if let id = block.id, let identity = block.identity {
                    try terminal.print("id          \(id) (our own, identity \(identity))")
                    try terminal.print("answered    \(block.answered ?? "no")")
                    if let used = block.used { try terminal.print("used by us  \(used)") }
                } else {
                    try terminal.print("used by us  \(block.used ?? "no")")
                }
            }
        }
        if damaged > 0 { note("\(Count.text(damaged, "reply block")) besides \(damaged == 1 ? "is" : "are") damaged") }
    }

    /// Shows the reply blocks that we have made.
    public func listSurbs(json: Bool, forgetExpired: Bool) throws {
        guard ClientPlaces.isThere(places.records) else {
            if json { try terminal.print("[]") } else { note("no reply blocks have been made here") }
            return
        }
        let records = try records()
        defer { records.close() }
        let log = ReplyBlockLog(records)
        let now = time.clock.now()
        if forgetExpired {
            let count = try log.forgetExpired(now: now)
            note("\(Count.text(count, "expired reply block")) forgotten")
        }
        let blocks = try log.all()
        if json {
            let reports = blocks.map {
                OwnSurbReport(
                    id: $0.id.hex, identity: $0.identity, made: $0.made.description, expires: $0.expiry.description,
                    isExpired: $0.expiry <= now, answered: $0.answered?.description, target: $0.target)
            }
            return try terminal.print(JSONText.encode(reports))
        }
        guard !blocks.isEmpty else {
            return note(
                config.logsReplyBlocks
                    ? "no reply blocks have been made here"
                    : "no reply blocks are noted, as `surb-log = false` in client.toml asks")
        }
        var table = TextTable(["ID", "IDENTITY", "MADE", "EXPIRES", "ANSWERED", "TO"])
        for block in blocks {
            // Without the mailbox's token, which is nobody's business.
            let place = (try? ReplyTarget(block.target))?.address
            table.add([
                block.id.hex, block.identity, block.made.description,
                block.expiry <= now ? "expired" : block.expiry.description, block.answered?.description ?? "no",
                Self.short(place?.description ?? "-"),
            ])
        }
        for line in table.lines { try terminal.print(line) }
    }

    /// A mailbox's address with the beginning of its id only.
    static func short(_ address: String) -> String {
        guard address.hasPrefix("box:"), let at = address.firstIndex(of: "@") else { return address }
        return address.prefix(12) + "..." + address[at...]
    }
}
