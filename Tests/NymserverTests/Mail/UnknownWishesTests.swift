import Daemon
import Directory
import DirectoryService
import Exits
import Logging
import MMTP
import MixCrypto
import NIOPosix
import NymProtocol
import Spool
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

/// Who may have said that he wants no mail gets none until that is known.
@Suite struct UnknownWishesTests {
    @Test("mail waits for those of whom is not known whether they opted out, and for nobody else")
    func waiting() async throws {
        var random = SeededRandom(name: "waiting")
        let known = Mutex<[String: Bool]>(["bob@example.org": false])
        let stage = try await NymserverStage(
            try MixNetwork(), declines: { recipient in known.withLock { $0[recipient] } },
            change: { $0.retries.pauses = [.milliseconds(1)] })
        let alice = try stage.make("alice", using: &random)
        let mail = try NymMail(
            from: alice.name, recipients: ["ada@example.org", "bob@example.org", "carol@example.org"],
            content: Array("Subject: greetings\r\n\r\nhi\r\n".utf8))
        try stage.requests.take(alice.request([.send(mail)], to: stage.server), at: stage.now)
        let rounds = MailRounds(parts: stage.parts, client: stage.client)
        func deferred() -> Int64 { stage.parts.counters.current("mails_deferred", kind: "wishesUnknown") }
        while try await rounds.round(at: stage.now) > 0, deferred() < 4 {}
        #expect(stage.sink.mails.map(\.recipients) == [["bob@example.org"]])
        #expect(try stage.parts.store.counts().mails == 1)
        #expect(deferred() >= 2 && deferred().isMultiple(of: 2))
        // The mail server is not to blame.
        #expect(stage.parts.counters.health.current["mail-server"] == nil)
        known.withLock { known in
            known["ada@example.org"] = false
            known["carol@example.org"] = true
        }
        while try stage.parts.store.counts().mails > 0 { _ = try await rounds.round(at: stage.now + .hours(1)) }
        #expect(stage.sink.mails.map(\.recipients) == [["bob@example.org"], ["ada@example.org"]])
        await stage.close()
    }

    @Test("what is in no list is known when the statements of all exits are here")
    func knowing() throws {
        let directory = try TemporaryDirectory("nightjar-wishes")
        let now = Timestamp(seconds: ScaledClock.systemTime().seconds)
        let identity = try SigningKey.generate()
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("ada@example.org")))
        let statement = try OptOutStatement.make(
            [hash], network: "testing", published: now - .hours(2), identity: identity)
        let period = try #require(NetworkParameters().calendar.period(at: now))
        let exit = try Descriptor.make(
            DescriptorFields(
                network: "testing", nickname: #require(Nickname("exit")),
                addresses: [#require(NodeAddress("127.0.0.1:4000"))], published: now - .hours(1),
                validUntil: now + .days(2), keys: [period: KEMPrivateKey(seed: .random(count: KEM.seedSize)).publicKey],
                capabilities: [Capability(Capability.Name.smtp)], optOuts: statement.digest, software: "test"),
            identity: identity)
        let authority = try SoleAuthority(
            network: "testing", isTest: true, key: .generate(), published: now - .hours(2))
        let consensus = try authority.certify([exit], at: now)
        let cache = DirectoryCache(directory: directory.file("directory"))
        try cache.install(root: authority.root.bytes)
        try cache.install(consensus: consensus.bytes, descriptors: [exit.bytes], now: now)
        let counters = EventCounters("nymserver")
        func keeper() throws -> OptOutKeeper {
            let dialer = try MMTPDialer(
                configuration: DialerConfiguration(), group: MultiThreadedEventLoopGroup.singleton,
                clock: { ScaledClock.systemTime() })
            let settings = NetworkKeeperSettings(
                program: "nymserver", networkFile: directory.file("network"), networkDigest: nil,
                cacheDirectory: directory.file("directory"), places: DirectoryPlaces(), connectTimeout: .seconds(1))
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            return OptOutKeeper(
                try NetworkKeeper(settings, clock: .real, dialer: dialer, logger: logger, counters: counters),
                clock: .real, counters: counters)
        }
        let early = try keeper()
        #expect(early.answer("ada@example.org") == nil && early.answer("bob@example.org") == nil)
        let network = Network(root: authority.root, consensus: consensus, descriptors: [exit])
        #expect(try OptOutCache(cache).keep(statement, in: network) == .stored)
        let late = try keeper()
        #expect(late.answer("ada@example.org") == true && late.answer("bob@example.org") == false)
    }
}
