// The keyring: its file, its secrets' lives, what damage and wrong passphrases do, and many who change it at once.

import Daemon
import Foundation
import Glibc
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5))) struct KeyringTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("ring/keyring") }
    private let start = Timestamp(seconds: 1_800_000_000)

    init() throws { directory = try TemporaryDirectory("nightjar-keyring") }

    private func open(_ source: PassphraseSource = .none) throws -> Keyring {
        try Keyring.open(path: path, directory: directory.file("ring"), passphrase: source)
    }

    private func passphrase(_ text: String) throws -> Passphrase {
        Passphrase(secret: try Array(text.utf8).withUnsafeBytes { try LockedSecret(copying: $0) })
    }

    /// A descriptor from which `text` can be read.
    private func descriptor(_ text: String) throws -> PassphraseSource {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let bytes = Array(text.utf8)
        try #require(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        return .descriptor(ends[0])
    }

    private func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
    private func put(_ bytes: [UInt8]) throws { try AtomicFile.write(bytes, to: path) }

    @Test func whatIsPutInIsThereAgain() throws {
        var random = SeededRandom(name: "whatIsPutInIsThereAgain")
        let keyring = try open()
        #expect(!keyring.isProtected && keyring.items.isEmpty)
        _ = try keyring.currentMaker(identity: "default", at: start)
        let key = try keyring.makeKey("me", at: start)
        var box = try OwnMailbox.new(
            name: "default", network: "testing", node: .random(using: &random), nodeName: "alpha", introducedOnly: true,
            at: start, using: &random)
        try keyring.add(box)
        try keyring.set("some", "thing")

        let again = try open()
        #expect(again.identities() == keyring.identities() && again.identities().map(\.name) == ["default"])
        #expect(try again.keys() == [key])
        let found = try #require(again.mailboxes().first)
        #expect(found.id == box.id && found.policy == box.policy && found.node == box.node && found.policyChanged)
        #expect(found.nodeName == "alpha" && found.name == "default" && found.created == start)
        #expect(try found.signingKey().verificationKey.mailboxID == box.id)
        #expect(again.setting("some") == "thing")
        #expect(found.replyTarget?.text == "box:\(box.id.hex)@alpha?\(box.policy.replyToken.hex)")

        // Policies: told, changed, and told in part.
        try again.changeMailbox(box.id) { $0.noteSent($0.policy) }
        #expect(again.mailboxes()[0].policyChanged == false)
        let old = again.mailboxes()[0].policy
        try again.changeMailbox(box.id) { $0.changePolicy { _ = $0.introduce(.random(using: &random)) } }
        #expect(again.mailboxes()[0].policyChanged)
        try again.changeMailbox(box.id) { $0.noteSent(old) }
        #expect(again.mailboxes()[0].policyChanged, "the node has an older policy")
        try keyring.refresh()
        #expect(keyring.mailboxes()[0].policy.introductions.count == 1)

        box = try OwnMailbox.new(
            name: "default", network: "testing", node: .random(using: &random), nodeName: "bravo", at: start,
            using: &random)
        #expect(throws: KeyringError.taken(what: "a mailbox", "default")) { try keyring.add(box) }
        try keyring.removeMailbox(found.id)
        try keyring.add(box)
        #expect(try open().mailboxes().map(\.id) == [box.id])
    }

    @Test func theDefaultMailboxIsTheFirstOrTheChosenOne() throws {
        var random = SeededRandom(name: "theDefaultMailboxIsTheFirstOrTheChosenOne")
        let keyring = try open()
        #expect(keyring.defaultMailbox(in: "one") == nil)
        var boxes: [OwnMailbox] = []
        for (name, network) in [("a", "one"), ("b", "one"), ("a", "two")] {
            let box = try OwnMailbox.new(
                name: name, network: network, node: .random(using: &random), nodeName: "n", at: start, using: &random)
            try keyring.add(box)
            boxes.append(box)
        }
        #expect(keyring.defaultMailbox(in: "one")?.id == boxes[0].id)
        try keyring.setDefaultMailbox(boxes[1])
        #expect(keyring.defaultMailbox(in: "one")?.id == boxes[1].id)
        #expect(keyring.defaultMailbox(in: "two")?.id == boxes[2].id)
        try keyring.removeMailbox(boxes[1].id)
        #expect(try open().defaultMailbox(in: "one")?.id == boxes[0].id)
    }

    @Test func theFileGrowsInPagesAndSaysNothing() throws {
        let keyring = try open()
        #expect(try bytes().count == 4096 + 104, "one page and what is around it")
        var sizes: Set<Int> = []
        for number in 0..<100 {
            _ = try keyring.makeKey("key-\(number)", at: start)
            sizes.insert(try bytes().count)
        }
        #expect(sizes == [4096 + 104, 8192 + 104], "100 keys of some 55 bytes")
        let text = String(decoding: try bytes(), as: UTF8.self)
        #expect(!text.contains("key-7") && text.hasPrefix("nightjar keyring"))
        let before = try bytes()
        try keyring.set("same", nil)
        #expect(try bytes() != before, "no two writings are alike")
        var mode = stat()
        #expect(stat(path, &mode) == 0 && mode.st_mode & 0o777 == 0o600)
    }

    @Test func itemsOfNewerVersionsAreKept() throws {
        var random = SeededRandom(name: "itemsOfNewerVersionsAreKept")
        let work = PasswordKey.new(protects: false, using: &random)
        let strange = try [3, 1, 4].withUnsafeBytes { try LockedSecret(copying: UnsafeRawBufferPointer($0)) }
        let short = try [UInt8](repeating: 7, count: 5).withUnsafeBytes { try LockedSecret(copying: $0) }
        let items: [KeyringItem] = [
            .unknown(kind: 900, strange), .unknown(kind: 901, nil),
            // A known kind in a form that we do not know.
            .unknown(kind: 3, short), .unknown(kind: 4, strange),
        ]
        _ = try PrivateDirectory(directory.file("ring"))
        try put(KeyringFile.encode(items, work: work, key: work.deriveFromNothing(), using: &random))
        let keyring = try open()
        _ = try keyring.makeKey("me", at: start)
        let again = try open().items
        let kept = again.compactMap { item -> (UInt16, [UInt8])? in
            guard case .unknown(let kind, let secret) = item else { return nil }
            return (kind, secret?.bytes.withBytes { Array($0) } ?? [])
        }
        #expect(again.count == 5)
        #expect(kept.map(\.0) == [900, 901, 3, 4])
        #expect(kept[0].1.count == 24 && kept[1].1 == [] && kept[2].1 == [UInt8](repeating: 7, count: 5))
    }

    @Test func aPassphraseIsAskedForOnceItIsSet() throws {
        let keyring = try open()
        let key = try keyring.makeKey("me", at: start)
        try keyring.setPassphrase(try passphrase("correct horse"))
        #expect(keyring.isProtected)
        #expect(throws: KeyringError.needsPassphrase(path)) { try open() }
        #expect(throws: KeyringError.wrongPassphrase(path)) { try open(descriptor("incorrect horse\n")) }
        #expect(throws: KeyringError.wrongPassphrase(path)) { try open(descriptor("")) }
        let again = try open(descriptor("correct horse\nand more"))
        #expect(try again.keys() == [key])
        #expect(try open(descriptor("correct horse\r\n")).keys() == [key])
        // The open one goes on working, and another that was opened before the change does not write over it.
        _ = try keyring.makeKey("other", at: start)
        try again.refresh()
        try again.setPassphrase(.empty)
        #expect(throws: KeyringError.passphraseChanged(path)) { try keyring.makeKey("third", at: start) }
        #expect(try open().keys().map(\.name) == ["me", "other"])
        let long = String(repeating: "x", count: PasswordKey.longestPassphrase + 1)
        try again.setPassphrase(try passphrase(String(long.dropLast())))
        #expect(throws: KeyringError.passphraseTooLong(PasswordKey.longestPassphrase)) { try open(descriptor(long)) }
        #expect(try open(descriptor(String(long.dropLast()))).keys().count == 2)
    }

    @Test func damageIsNotTakenForAWrongPassphrase() throws {
        var random = SeededRandom(name: "damageIsNotTakenForAWrongPassphrase")
        let keyring = try open()
        _ = try keyring.makeKey("me", at: start)
        for isProtected in [false, true] {
            if isProtected { try keyring.setPassphrase(try passphrase("secret")) }
            let whole = try bytes()
            func error(_ changed: [UInt8]) throws -> KeyringError? {
                try put(changed)
                return #expect(throws: KeyringError.self) { try open(descriptor("secret\n")) }
            }
            for position in [16, 17, 20, 25, 40, 60, 2000, whole.count - 40, whole.count - 1] {
                var changed = whole
                changed[position] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
                let found = try error(changed)
                #expect(found == (position == 16 ? .version(path) : .damaged(path)), "byte \(position)")
            }
            for length in [0, 10, 15] { #expect(try error(Array(whole.prefix(length))) == .foreign(path)) }
            for length in [16, 56, 104, whole.count - 1] {
                #expect(try error(Array(whole.prefix(length))) == .damaged(path), "cut to \(length)")
            }
            #expect(try error(whole + [0]) == .damaged(path))
            #expect(try error(Array("some other file that is long enough".utf8)) == .foreign(path))
            // Changed on purpose, with a hash that fits.
            var forged = Array(whole.dropLast(32))
            forged[100] ^= 1
            forged += Digest.sha256(forged).bytes
            #expect(try error(forged) == (isProtected ? .wrongPassphrase(path) : .damaged(path)))
            try put(whole)
            #expect(try open(descriptor("secret\n")).keys().count == 1)
        }
    }

    @Test func aHostileFileCannotAskForMuchWork() throws {
        _ = try open()
        var forged = Array(try bytes().dropLast(32))
        // 100 GiB, then 2^32 - 1 passes.
        for (memory, passes): (UInt32, UInt32) in [(100 << 20, 1), (8, .max)] {
            forged.replaceSubrange(20..<24, with: withUnsafeBytes(of: memory.bigEndian) { Array($0) })
            forged.replaceSubrange(24..<28, with: withUnsafeBytes(of: passes.bigEndian) { Array($0) })
            try put(forged + Digest.sha256(forged).bytes)
            #expect(throws: KeyringError.damaged(path)) { try open() }
        }
        let large = [UInt8](repeating: 0, count: KeyringFile.sizeLimit + 1)
        try put(large)
        #expect(throws: CommandFailure.self) { try open() }
    }

    @Test func whatOthersCanReadIsRefused() throws {
        _ = try open()
        chmod(path, 0o644)
        #expect(
            throws: CommandFailure("others may use the file \(path); take that away with: chmod 600 \(path)")
        ) { try open() }
    }

    @Test func manyThreadsLoseNothing() async throws {
        let keyring = try open()
        let names = (0..<40).map { "key-\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, name) in names.enumerated() {
                // Half of them through a keyring of their own, as another process would have it.
                let ring = index % 2 == 0 ? keyring : try open()
                group.addTask { _ = try ring.makeKey(name, at: start) }
            }
            try await group.waitForAll()
        }
        #expect(Set(try open().keys().map(\.name)) == Set(names))
    }

    // MARK: - Secrets of reply blocks

    @Test func secretsChangeEveryThreeMonths() throws {
        let keyring = try open()
        var counts: [Int] = []
        for day in stride(from: 0, through: 400, by: 10) {
            _ = try keyring.currentMaker(identity: "default", at: start + .days(Int64(day)))
            counts.append(keyring.identities()[0].secrets)
        }
        // At days 0, 90, 180, ...; one goes 90 days after its successor was made, when there is a next to be made.
        #expect(counts[0] == 1 && counts[9] == 2 && counts[17] == 2)
        #expect(counts.max() == 2 && counts.last == 2)
        let before = try bytes()
        _ = try keyring.currentMaker(identity: "default", at: start + .days(401))
        #expect(try bytes() == before, "nothing is written while the secret is good")
        _ = try keyring.currentMaker(identity: "receipts", at: start + .days(401))
        _ = try keyring.currentMaker(identity: "ludwig", at: start + .days(401))
        #expect(keyring.identities().map(\.name) == ["default", "ludwig", "receipts"])
        for name in ["", "Ludwig", "a b", "x@y", "a:b", "-a", "a..b", String(repeating: "a", count: 33), "ü"] {
            #expect(throws: KeyringError.badName(what: "an identity", name)) {
                try keyring.currentMaker(identity: name, at: start)
            }
        }
    }

    @Test func aClockThatIsYearsAheadForAnHourDestroysNothing() throws {
        let keyring = try open()
        _ = try keyring.currentMaker(identity: "default", at: start)
        _ = try keyring.currentMaker(identity: "default", at: start + .days(3000))
        #expect(keyring.identities()[0].secrets == 2)
        // Back in time the first secret is the one to use.
        _ = try keyring.currentMaker(identity: "default", at: start + .days(1))
        #expect(keyring.identities()[0].secrets == 2)
        // Once it is old, a new one is made though there is one of the future.
        _ = try keyring.currentMaker(identity: "default", at: start + .days(91))
        #expect(keyring.identities()[0].secrets == 3)
    }

    @Test func everyLivingBlockIsOpenedBySomeSecret() throws {
        // A block made at any time lives at most 60 days and has 30 days more to be read.
        let longest = ReplyBlockPeriods.longestLife + .days(30)
        var secrets: [SURBSecret] = []
        for day in 0..<800 {
            let now = start + .days(Int64(day))
            if SURBSecretSchedule.current(secrets, identity: "a", at: now) == nil {
                let all = secrets
                secrets.removeAll { SURBSecretSchedule.isSpent($0, among: all, at: now) }
                secrets.append(SURBSecret(identity: "a", created: now, secret: try .random()))
            }
            // Whoever made a block in the last 90 days is still here.
            for age in stride(from: 0, through: min(day, 90), by: 5) {
                let made = now - .days(Int64(age))
                #expect(
                    secrets.contains { $0.created <= made && made < $0.created + SURBSecretSchedule.making },
                    "day \(day), made \(age) days before")
            }
        }
        #expect(longest <= .days(90) && secrets.count <= 3)
    }

    @Test func answersNameTheirIdentityAndDamageIsSeen() throws {
        var random = SeededRandom(name: "answersNameTheirIdentityAndDamageIsSeen")
        let keyring = try open()
        for identity in ["default", "ludwig", "receipts"] {
            let maker = try keyring.currentMaker(identity: identity, at: start)
            let journey = try AnsweredBlock(maker, using: &random)
            let record = try journey.record(Array("for \(identity)".utf8))
            // Later secrets do not matter, nor does another keyring object.
            _ = try keyring.currentMaker(identity: identity, at: start + .days(95))
            let opened = try #require(try open().openReply(record))
            #expect(opened.identity == identity)
            #expect(opened.content.starts(with: "for \(identity)".utf8))
            #expect(opened.content.count == PayloadSize.content)
            var payload = record.payload
            payload[Int.random(in: 0..<payload.count, using: &random)] ^= 4
            let damaged = try ReplyRecord(surb: record.surb, sealedKeys: record.sealedKeys, payload: payload)
            #expect(throws: SURBError.damaged) { try keyring.openReply(damaged) }
            let foreign = try ReplyRecord(
                surb: .random(using: &random), sealedKeys: record.sealedKeys, payload: record.payload)
            #expect(try keyring.openReply(foreign) == nil)
        }
        let elsewhere = SURBMaker(secret: .random())
        #expect(try keyring.openReply(AnsweredBlock(elsewhere, using: &random).record([1])) == nil)
    }
}

/// A block of a path of one's own, and what its last node would hand over.
private struct AnsweredBlock {
    let surb: SURB
    let hops: [(id: NodeID, key: KEMPrivateKey)]

    private struct Keys: PacketKeys {
        let key: KEMPrivateKey
        func key(of period: KeyPeriod) -> KEMPrivateKey? { key }
    }

    init(_ maker: SURBMaker, using random: inout SeededRandom) throws {
        hops = try (0..<3).map { _ in (.random(using: &random), try KEMPrivateKey(seed: .random(count: 32))) }
        let path = hops.map { PathHop(node: $0.id, key: $0.key.publicKey, period: KeyPeriod(5), delay: 0) }
        surb = try maker.make(
            path: path, address: "smtp:me@example.org", expiry: Timestamp(seconds: 1 << 40), using: &random
        ).surb
    }

    func record(_ text: [UInt8]) throws -> ReplyRecord {
        let content = text + [UInt8](repeating: 0, count: PayloadSize.content - text.count)
        var packet = try surb.makePacket(content: content, at: Timestamp(seconds: 0))
        for hop in hops {
            switch try Unwrapper(node: hop.id).unwrap(packet, keys: Keys(key: hop.key), isKnown: { _, _ in false })
                .outcome
            {
            case .forward(_, _, let next): packet = next
            case .reply(_, let bytes, let payload):
                let info = try ReplyInfo(bytes)
                return try ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: payload)
            case .deliver: throw User.Failure(text: "not a reply")
            }
        }
        throw User.Failure(text: "no end")
    }
}
