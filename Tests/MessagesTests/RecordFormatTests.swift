import Messages
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite struct RecordFormatTests {
    @Test func receiptsComeBackAsTheyWere() throws {
        var rng = SeededRandom(name: "receiptsComeBackAsTheyWere")
        for _ in 0..<200 {
            let state: Receipt.State
            switch Int.random(in: 0..<3, using: &rng) {
            case 0: state = .unknown
            case 1:
                state = .incomplete(
                    (0..<Int.random(in: 1...8, using: &rng)).map { _ in
                        (0..<87).filter { _ in Bool.random(using: &rng) }
                    })
            default:
                state = .complete(
                    (0..<Int.random(in: 1...8, using: &rng)).map { _ in
                        Receipt.Recipient(
                            DeliveryStatus.allCases.randomElement(using: &rng) ?? .queued,
                            code: UInt16.random(in: 0...599, using: &rng))
                    })
            }
            let receipt = try Receipt(message: .random(using: &rng), state: state)
            let bytes = receipt.encoded
            #expect(try Receipt(decoding: bytes) == receipt)
            #expect(bytes.count < ShareCapacity.full.rawValue / 2)
            for count in 0..<bytes.count {
                #expect(throws: MessageError.self) { try Receipt(decoding: Array(bytes[..<count])) }
            }
            #expect(throws: MessageError.malformedRecord) { try Receipt(decoding: bytes + [0]) }
        }
    }

    @Test func receiptsOfTheLargestMessageFitIntoAPacket() throws {
        let groups = Array(repeating: Array(0..<87), count: Receipt.maximumGroups)
        let receipt = try Receipt(message: MessageID(), state: .incomplete(groups))
        #expect(receipt.encoded.count < ShareCapacity.injected.rawValue)
        let largest = try PartLayout(messageLength: MessageLimits.encoded, capacity: .injected)
        #expect(largest.groups <= Receipt.maximumGroups)
    }

    @Test func receiptsWithIndicesOutOfOrderAreRefused() {
        #expect(throws: MessageError.malformedRecord) {
            try Receipt(message: MessageID(), state: .incomplete([[2, 1]]))
        }
        #expect(throws: MessageError.malformedRecord) {
            try Receipt(message: MessageID(), state: .incomplete([[1, 1]]))
        }
        #expect(throws: MessageError.malformedRecord) { try Receipt(message: MessageID(), state: .incomplete([])) }
        #expect(throws: MessageError.malformedRecord) { try Receipt(message: MessageID(), state: .complete([])) }
    }

    @Test func recordsAndArmoredMessages() throws {
        var rng = SeededRandom(name: "recordsAndArmoredMessages")
        let record = try ReplyRecord(surb: .random(using: &rng), sealedKeys: rng.bytes(241), payload: rng.bytes(25_652))
        #expect(record.encoded.count == ReplyRecord.size)
        #expect(try ReplyRecord(decoding: record.encoded) == record)
        #expect(throws: MessageError.malformedRecord) { try ReplyRecord(decoding: record.encoded.dropLast()) }
        for message: ArmoredMessage in [.reply(record), .sealedMail(rng.bytes(99)), .message(rng.bytes(5))] {
            #expect(try ArmoredMessage(decoding: message.encoded) == message)
        }
        #expect(throws: MessageError.unknownVersion) { try ArmoredMessage(decoding: [2, 1, 1]) }
        #expect(throws: MessageError.malformedRecord) { try ArmoredMessage(decoding: [1, 9, 1]) }
    }

    @Test func targetsOfReplies() throws {
        let box = "box:" + String(repeating: "ab", count: 32) + "@alpha"
        let token = String(repeating: "0f", count: 16)
        #expect(try ReplyTarget(box).token == nil)
        #expect(try ReplyTarget("\(box)?\(token)").token?.hex == token)
        #expect(try ReplyTarget("\(box)?\(token)").text == "\(box)?\(token)")
        #expect(try ReplyTarget("smtp:a@example.org").address.kind == .smtp)
        for wrong in ["\(box)?", "\(box)?\(token.uppercased())", "\(box)?\(token)0", "smtp:a@example.org?\(token)", ""]
        {
            #expect(throws: AddressError.self) { try ReplyTarget(wrong) }
        }
        #expect(ReplyTarget(address: .drop, token: MailboxToken()) == nil)
    }

    @Test func policiesAdmitWhomTheyShould() throws {
        var rng = SeededRandom(name: "policiesAdmitWhomTheyShould")
        let (own, friend, stranger) = (
            MailboxToken.random(using: &rng), MailboxToken.random(using: &rng), MailboxToken.random(using: &rng)
        )
        var policy = MailboxPolicy(replyToken: own)
        #expect(policy.admits(introduction: nil) && policy.admits(replyToken: nil))
        policy.introducedOnly = true
        let isIntroduced = policy.introduce(friend)
        #expect(isIntroduced)
        #expect(
            policy.admits(introduction: friend) && !policy.admits(introduction: stranger)
                && !policy.admits(introduction: nil))
        #expect(policy.admits(replyToken: own) && !policy.admits(replyToken: friend) && !policy.admits(replyToken: nil))
        #expect(try MailboxPolicy(decoding: policy.encoded) == policy)
        policy.withdraw(friend)
        #expect(!policy.admits(introduction: friend))
        for _ in 0..<300 { _ = policy.introduce(MailboxToken.random(using: &rng)) }
        #expect(policy.introductions.count == MailboxPolicy.maximumIntroductions)
        #expect(try MailboxPolicy(decoding: policy.encoded) == policy)
    }

    @Test func requestsAreForOneNodeAndOneMoment() throws {
        var rng = SeededRandom(name: "requestsAreForOneNodeAndOneMoment")
        let key = try SigningKey.generate()
        let node = NodeID.random(using: &rng)
        let other = NodeID.random(using: &rng)
        let now = Timestamp(seconds: 1_800_000_000)
        let operations: [MailboxRequest.Operation] = [
            .fetch(acknowledging: []),
            .fetch(acknowledging: (0..<64).map { _ in UInt64.random(in: 0 ... .max, using: &rng) }),
            .create(MailboxPolicy(introducedOnly: true, replyToken: .random(using: &rng))),
            .configure(MailboxPolicy(replyToken: .random(using: &rng))), .delete, .status,
        ]
        for operation in operations {
            let bytes = try MailboxRequest.signed(operation, node: node, key: key, at: now, using: &rng)
            #expect(bytes.count == MailboxRequest.size)
            let request = try UnverifiedMailboxRequest(bytes).verify(node: node, at: now + .minutes(9))
            #expect(request.operation == operation)
            #expect(request.mailbox == key.verificationKey.mailboxID)
            #expect(throws: MailboxRequestError.otherNode) {
                try UnverifiedMailboxRequest(bytes).verify(node: other, at: now)
            }
            for late in [now + .minutes(11), now - .minutes(11)] {
                #expect(throws: MailboxRequestError.wrongTime) {
                    try UnverifiedMailboxRequest(bytes).verify(node: node, at: late)
                }
            }
        }
    }

    @Test func anyFlippedBitSpoilsARequest() throws {
        var rng = SeededRandom(name: "anyFlippedBitSpoilsARequest")
        let key = try SigningKey.generate()
        let node = NodeID.random(using: &rng)
        let now = Timestamp(seconds: 1_800_000_000)
        let bytes = try MailboxRequest.signed(.fetch(acknowledging: [7]), node: node, key: key, at: now, using: &rng)
        for position in Array(0..<96) + (0..<60).map({ _ in Int.random(in: 96..<bytes.count, using: &rng) }) {
            var changed = bytes
            changed[position] ^= 1 << UInt8.random(in: 0..<8, using: &rng)
            #expect(throws: MailboxRequestError.self) {
                _ = try UnverifiedMailboxRequest(changed).verify(node: node, at: now)
            }
        }
    }

    @Test func blocksHaveOneSize() throws {
        var rng = SeededRandom(name: "blocksHaveOneSize")
        let status = MailboxStatus(waiting: 3, used: 4, quota: 1000, expires: Timestamp(seconds: 1_800_000_000))
        let record = try ReplyRecord(surb: .random(using: &rng), sealedKeys: rng.bytes(241), payload: rng.bytes(25_652))
        let fragment = try MailFragment(
            message: .random(using: &rng), index: 0, count: 2, bytes: rng.bytes(MailFragment.maximumSize))
        let blocks: [MailboxBlock] = [
            .empty(status), .reply(id: 9, record, status), .fragment(id: 10, fragment, status), .done(status),
            .refused(.noSuchMailbox),
        ]
        for block in blocks {
            let bytes = block.encoded
            #expect(bytes.count == MailboxBlock.size)
            #expect(try MailboxBlock(decoding: bytes) == block)
            #expect(throws: MessageError.self) { try MailboxBlock(decoding: bytes.dropLast()) }
            #expect(throws: MessageError.self) { try MailboxBlock(decoding: bytes.dropLast() + [1]) }
        }
        #expect(throws: MessageError.malformedRecord) {
            try MailFragment(message: MessageID(), index: 0, count: 2, bytes: [1])
        }
        #expect(throws: MessageError.malformedRecord) {
            try MailFragment(message: MessageID(), index: 2, count: 2, bytes: [1])
        }
        #expect(MailFragment.count(ofLength: MessageLimits.encoded) == MailFragment.maximumCount)
    }

    @Test func randomBytesAreNoRecords() {
        var rng = SeededRandom(name: "randomBytesAreNoRecords")
        for _ in 0..<500 {
            let bytes = rng.bytes(Int.random(in: 0...200, using: &rng))
            _ = try? Receipt(decoding: bytes)
            _ = try? MailboxPolicy(decoding: bytes)
            _ = try? ArmoredMessage(decoding: bytes)
            _ = try? MailFragment(decoding: bytes)
            var block = rng.bytes(MailboxBlock.size)
            block[0] = 1
            block[1] = UInt8.random(in: 0...5, using: &rng)
            _ = try? MailboxBlock(decoding: block)
            _ = try? UnverifiedMailboxRequest(block)
        }
    }
}
