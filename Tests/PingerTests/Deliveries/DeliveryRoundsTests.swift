// Test mails in a real Maildir and a real database, among what strangers send.

import Daemon
import Foundation
import MMTP
import Measurement
import Messages
import MixCrypto
import NIOPosix
import Spool
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Rounds of test mails", .timeLimit(.minutes(3)))
struct DeliveryRoundsTests {
    private let fixture: PublishingFixture
    private let parts: PingerParts
    private let rounds: DeliveryRounds
    private let maildir: String

    init() throws {
        fixture = try PublishingFixture()
        maildir = fixture.directory.file("mail")
        for name in ["new", "cur", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(maildir)/\(name)", withIntermediateDirectories: true)
        }
        let (network, clock) = (fixture.network, fixture.settings.clock)
        let watch = ObservationWatch(lastAlive: nil, now: clock.now(), uptime: .seconds(1))
        parts = PingerParts(
            settings: fixture.settings, files: fixture.files, clock: clock, logger: LoggedLines().logger,
            counters: EventCounters("pinger"), store: try PingStore.open(path: fixture.files.database),
            network: { network }, newestNetwork: { network }, key: fixture.key,
            identity: PingerIdentity(try .random(count: PingerIdentity.size)), watch: WatchBox(watch),
            planner: PlannerBox(), desk: StoreDesk())
        let dialer = try MMTPDialer(
            configuration: DialerConfiguration(), group: MultiThreadedEventLoopGroup.singleton,
            clock: { ScaledClock.systemTime() })
        rounds = DeliveryRounds(
            parts: parts, links: EntryLinks(dialer: dialer, patience: .seconds(1)) { _, _ in },
            settings: DeliverySettings(address: try Address("tests@example.org"), maildir: maildir))
    }

    private func put(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(maildir)/new/\(name)"))
    }

    private func state(_ id: Int64) throws -> Int? {
        var state: Int?
        try parts.store.forEachPing(since: Timestamp(milliseconds: 0)) { if $0.id == id { state = $0.state } }
        return state
    }

    @Test("a flood of foreign mail holds nobody up at the database, and the mail among it is found")
    func flood() async throws {
        var random = SeededRandom(name: #function)
        let mail = TestMail(using: &random)
        let sent = parts.clock.now() - .minutes(5)
        let id = try parts.store.add(
            NewPing(
                kind: PingKind.delivery.rawValue, hops: Array(fixture.ids.prefix(3)), drawn: .zero, tag: mail.tag,
                content: .sha256(mail.tag), mailbox: nil, planned: sent))
        try parts.store.noteSent(id, at: sent)
        rounds.book.sent(mail.tag, at: sent)
        let dots = Array(String(repeating: "a.", count: 4096).utf8)
        // Who knows the words can have them looked up, but not many at a time.
        let like = (0..<60).flatMap { _ in TestMail(using: &random).body }
        for index in 0..<300 { try put(index.isMultiple(of: 3) ? like : dots, "\(index).x") }
        try put(mail.body, "300.x")

        let (rounds, parts, maildir) = (rounds, parts, maildir)
        let looking = Task {
            var (reader, emptied) = (MaildirReader(path: maildir), Timestamp(milliseconds: 0))
            repeat {
                (reader, emptied) = try await rounds.look(reader, emptied: emptied, at: parts.clock.now())
            } while emptied == Timestamp(milliseconds: 0)
            return reader.round
        }
        // Others have their turn between: how often depends on the machine, but not once if it is all one piece of work.
        var served = 0
        while parts.counters.current("returns", kind: "mail") == 0 {
            #expect(try await parts.stored { _ in true } == true)
            served += 1
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(served > 2)
        #expect(try await looking.value.isComplete)
        #expect(try state(id) == PingState.arrived.rawValue)
        #expect(FileManager.default.fileExists(atPath: "\(maildir)/new/0.x"))
        #expect(!FileManager.default.fileExists(atPath: "\(maildir)/new/300.x"))
    }

    @Test("a Maildir that cannot be read is told, and the pinger goes on; nothing is emptied meanwhile")
    func unreadable() async throws {
        try FileManager.default.moveItem(atPath: "\(maildir)/cur", toPath: "\(maildir)/gone")
        let none = Timestamp(milliseconds: 0)
        var (reader, emptied) = try await rounds.look(
            MaildirReader(path: maildir), emptied: none, at: parts.clock.now())
        #expect(emptied == none && parts.counters.health.current["maildir"] != nil)
        try FileManager.default.moveItem(atPath: "\(maildir)/gone", toPath: "\(maildir)/cur")
        (reader, emptied) = try await rounds.look(reader, emptied: emptied, at: parts.clock.now())
        // Nothing has ever arrived: that nothing is there does not say that anything is lost.
        #expect(reader.round.isComplete && emptied == none && parts.counters.health.current["maildir"] == nil)
    }
}
