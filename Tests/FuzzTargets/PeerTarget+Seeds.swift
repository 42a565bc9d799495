import Directory
import MMTP
import Messages
import MixCrypto
import NymProtocol
import WireFormat

extension PeerTarget {
    /// Inputs of each reader to start from, made by what writes them.
    public static func seeds() throws -> [(name: String, bytes: [UInt8])] {
        guard let nyms = FuzzNyms.made else { throw NymError.malformed }
        let list = try nyms.seeds() + messages() + mailboxes(nyms.key) + dialogues()
        return list.enumerated().map { ("\($0.element.0)-\($0.offset)", [$0.element.0.rawValue] + $0.element.1) }
    }

    private static let mail = """
        From: Alice A <alice@example.org>\r\nTo: bob@example.com, "C, D" <c@example.net>, group: e@f.example;\r
        Cc: (a comment) g@h.example\r\nSubject: =?utf-8?q?hello?= you\r\nMessage-ID: <1@example.org>\r
        In-Reply-To: <2@example.net>\r\nReferences: <2@example.net> <3@example.net>\r\nMIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8;\r\n format=flowed\r\n\r\nHello.\r\n.\r\n
        """

    private static func fixed<Value: FixedBytes>(_ byte: UInt8) -> Value {
        [UInt8](repeating: byte, count: Value.byteCount).withUnsafeBytes { Value(copying: $0) }
    }

    private static let block = [UInt8](repeating: 3, count: PayloadSize.replyBlock)

    private static func messages() throws -> [(PeerTarget, [UInt8])] {
        let address = try Address("alice@example.org")
        let id = fixed(5) as MessageID
        let outgoing = try OutgoingMail(Array(mail.utf8))
        let envelope = try outgoing.envelope(to: [address, Address("nym:bob@nym.example")], receiptBlock: block)
        let body = [UInt8](repeating: 65, count: 60_000)
        let receipt = try Receipt(
            message: id, state: .complete([.init(.delivered, code: 250), .init(.refused, code: 550)]))
        let receipts = [
            receipt, try Receipt(message: id, state: .unknown),
            try Receipt(message: id, state: .incomplete([[0, 1, 2], [], [254]])),
        ]
        let part = try Part(
            id: id, layout: PartLayout(messageLength: 500), group: 0, index: 0, share: [UInt8](repeating: 7, count: 500)
        )
        let injected = try Part(
            id: id, layout: PartLayout(messageLength: 500, capacity: .injected), group: 0, index: 0,
            share: [UInt8](repeating: 7, count: 500))
        let node = fixed(6) as NodeID
        let key = SymmetricSecret(copying: [UInt8](repeating: 8, count: 32))
        let contents: [PayloadContent] = [
            .dummy(fixed(4)), .part(part), .sealed([1, 2, 3]),
            .inject(
                try Injection(
                    firstNode: node, header: [UInt8](repeating: 2, count: PayloadSize.packetHeader), payloadKey: key,
                    sealedPart: [1, 2, 3])),
        ]
        let record = try ReplyRecord(
            surb: fixed(1),
            sealedKeys: [UInt8](repeating: 2, count: ReplyRecord.sealedKeysSize),
            payload: [UInt8](repeating: 3, count: ReplyRecord.payloadSize))
        let plain = try Envelope(recipients: [.drop], bodyKind: .receipt)
        let encoded = [
            try MessageEncoder.encode(envelope, body: outgoing.body), try MessageEncoder.encode(envelope, body: body),
            try MessageEncoder.encode(plain, body: receipt.encoded),
            try MessageEncoder.encode(Envelope(recipients: [.drop], replyBlocks: [block]), body: []),
        ]
        var list: [(PeerTarget, [UInt8])] = [(.mailText, Array(mail.utf8)), (.mailText, Array("no header\n".utf8))]
        list += encoded.flatMap { message in [3, 200].map { (.message, [$0] + message) } }
        list += receipts.map { (.receipt, $0.encoded) }
        list += try contents.map { (.payload, withoutZeros(try $0.encoded())) }
        list += [(.part, injected.encoded)]
        list += [ArmoredMessage.reply(record), .sealedMail([1, 2, 3]), .message([4, 5])].map { (.armored, $0.encoded) }
        return list
    }

    private static func mailboxes(_ key: SigningKey) throws -> [(PeerTarget, [UInt8])] {
        let token = fixed(5) as MailboxToken
        let policies = [
            MailboxPolicy(replyToken: token),
            MailboxPolicy(introducedOnly: true, replyToken: token, introductions: [token]),
        ]
        let status = MailboxStatus(waiting: 1, used: 2, quota: 3, expires: FuzzNyms.start)
        let fragment = try MailFragment(
            message: fixed(5), index: 0, count: 1,
            bytes: [1, 2, 3])
        let blocks: [MailboxBlock] = [
            .empty(status), .fragment(id: 7, fragment, status), .done(status), .refused(.full),
        ]
        let operations: [MailboxRequest.Operation] = [
            .fetch(acknowledging: [1, 2]), .create(policies[0]), .configure(policies[1]), .delete, .status,
        ]
        let node = fixed(6) as NodeID
        var generator = SystemRandomNumberGenerator()
        var list: [(PeerTarget, [UInt8])] = policies.map { (.mailboxPolicy, $0.encoded) }
        list += blocks.map { (.mailboxBlock, withoutZeros($0.encoded)) }
        for operation in operations {
            let request = try MailboxRequest.signed(
                operation, node: node, key: key, at: FuzzNyms.start, using: &generator)
            // What is random behind the operand is left out.
            let operand = Int(request[2]) << 8 | Int(request[3])
            list.append((.mailboxRequest, Array(request.prefix(76 + operand))))
        }
        return list
    }

    private static func dialogues() -> [(PeerTarget, [UInt8])] {
        let hashes = (1...3).flatMap { [UInt8](repeating: $0, count: OptOutHash.byteCount) }
        let server = """
            220 mx\r\n250-mx\r\n250-SIZE 10000\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n220 go\r
            250 mx\r\n235 ok\r\n250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n250 ok\r\n250 ok\r\n250 ok\r
            452 4.5.3 full\r\n554 5.7.1 relay\r\n354 go\r\n421 4.3.2 bye\r\n221 bye\r\n
            """
        let lmtp = """
            LHLO mx\r\nMAIL FROM:<a@b.example> SIZE=300 BODY=8BITMIME\r\nRCPT TO:<nym@c.example>\r\nRCPT TO:<bad@c.example>\r
            DATA\r\nSubject: hi\r\n\r\n..\r\nText\r\n.\r\nRSET\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<x@y.example>\r\nDATA\r
            \(String(repeating: "x", count: 450))\r\n.\r\nVRFY x\r\nQUIT\r\n
            """
        let program = """
            EHLO me\r\nAUTH LOGIN\r\nbWU=\r\nc2VjcmV0\r\nMAIL FROM:<a@b.example> SIZE=100 AUTH=<>\r\nRCPT TO:<c@d.example>\r
            RCPT TO:<bad@d.example>\r\nDATA\r\nSubject: hi\r\n\r\nText\r\n.\r\nMAIL FROM:<bad@b.example>\r\nHELP\r\nQUIT\r\n
            """
        let clear =
            "EHLO me\r\nSTARTTLS\r\nEHLO me\r\nAUTH PLAIN AG1lAHNlY3JldA==\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n"
        var list: [(PeerTarget, [UInt8])] = [(.optOuts, hashes), (.optOuts, [])]
        for name in [
            "alice@Example.org", "@example.org", "a.b+c@d.example", "nym:bob@nym.example", "alice", "drop:",
            "mbox:me@node", "h\u{e9}llo w\u{f6}rld",
            "box:\(String(repeating: "ab", count: 32))@node?\(String(repeating: "01", count: 16))",
        ] {
            list.append((.names, Array(name.utf8)))
        }
        for how: UInt8 in [0, 4 | 8, 1 | 32, 2 | 4 | 64, 16, 16 | 4 | 8 | 96, 3 | 4] {
            list.append((.mailServer, [how] + Array(server.utf8)))
        }
        for how: UInt8 in [0, 1 | 32, 64, 96] {
            list.append((.lmtpClient, [how] + Array(lmtp.utf8)))
            list.append((.mailProgram, [how] + Array(program.utf8)))
            list.append((.mailProgram, [how | 2] + Array(clear.utf8)))
        }
        let frames: [UInt8] = (0..<12).flatMap { [UInt8($0 % 4 + 1), 0, 0, 0, UInt8($0 * 5)] as [UInt8] }
        list.append((.listener, [0] + frames))
        list.append((.listener, [1] + frames + [9, 0, 0, 0, 0]))
        // Windows that fill up.
        list.append((.listener, [0] + (0..<10).flatMap { _ in [4, 0, 0, 0, 4] as [UInt8] }))
        list.append((.listener, [0] + (0..<66).flatMap { _ in [1, 0, 0, 0, 4] as [UInt8] }))
        let answers: [UInt8] = (0..<3).flatMap { number in
            [1, 0, 0, 0, 0, 0, 0, UInt8(number)] as [UInt8] + [UInt8](repeating: 0, count: 33)
        }
        list.append((.dialer, [3] + answers))
        list.append((.dialer, [3 | 8] + answers))
        list.append((.dialer, [1 | 8, 2, 3, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 33)))
        return list
    }

    /// What a reader that fills up with zeros needs of `bytes`.
    static func withoutZeros(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.prefix((bytes.lastIndex { $0 != 0 } ?? -1) + 1))
    }
}

extension FuzzNyms {
    /// Inputs of the readers of nyms, made by client and server.
    func seeds() throws -> [(PeerTarget, [UInt8])] {
        guard let alias = NymName("al") else { throw NymError.malformed }
        let mail = try NymMail(
            from: name, displayName: "Alice", recipients: ["bob@example.org", "c@example.net"],
            content: Array("Subject: hello\r\n\r\nHello Bob.\r\n".utf8))
        let block = [UInt8](repeating: 1, count: PayloadSize.replyBlock)
        let rotation = try NymRotation(to: key, sealing: creation.sealing, account: name, domain: Self.domain)
        let commands: [[NymCommand]] = [
            [.create(creation), .policy(NymPolicy(packets: .high, delivers: .synopses, synopsisAbove: 10_000))],
            [.surbs(try NymBatch(generation: 7, blocks: [block]))], [.send(mail), .list],
            [.get([NymRange(item: 4), NymRange(item: 5, offset: 100, length: 20)]), .acknowledge([1, 2])],
            [.addAlias(alias, ProofOfWork(nonce: 99)), .removeAlias(alias)], [.rotate(rotation)], [.close], [],
        ]
        var list: [(PeerTarget, [UInt8])] = []
        var account = account
        let facts = NymFacts(domain: Self.domain, knownItems: [4])
        for (number, commands) in commands.enumerated() {
            let request = try NymRequest(
                account: name, device: 1 + UInt64(number % 2), number: UInt64(number + 2), resultsSeen: 1,
                commands: commands)
            _ = account.execute(request, at: Self.start, facts: facts, limits: limits)
            let bytes = request.encoded
            list.append((.nymRequest, bytes))
            let length = withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
            list.append((.nymOpening, length + bytes))
            list.append((.nymAccount, account.encoded))
        }
        var load = NymLoad()
        load.waitingItems = 2
        load.blocksUntil = Self.start
        let status = account.status(load, at: Self.start, limits: limits)
        let records = [
            try NymRecord(item: 1, kind: .mail, total: 5000, offset: 100, bytes: [1, 2, 3]),
            try NymRecord(item: 2, kind: .notice, total: 2, offset: 0, bytes: [1, 2]),
        ]
        var ranges = WantedRanges(allOf: 10_000)
        ranges.remove(200..<300)
        ranges.remove(1000..<2000)
        let incoming = Array("From: =?utf-8?q?B?= <b@example.org>\r\nSubject: long\r\n and folded\r\n\r\nText\r\n".utf8)
        let synopsis = NymSynopsis(of: incoming, day: 20_000)
        for packet in [try NymPacket(status: status, records: records), try NymPacket(status: status, records: [])] {
            list.append((.nymPacket, PeerTarget.withoutZeros(packet.encoded)))
        }
        list += [
            (.nymSynopsis, PeerTarget.withoutZeros(synopsis.encoded)), (.nymSynopsis, incoming),
            (.nymMail, mail.encoded), (.nymRanges, ranges.encoded),
            (.nymText, NymRequestText.text([UInt8](0..<200))),
            (.nymText, Array("Subject: x\r\n\r\nHello\r\n".utf8) + NymRequestText.text([1, 2, 3])),
        ]
        return list
    }
}
