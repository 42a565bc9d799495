import Daemon
import Directory
import Logging
import MixCrypto
import Mixing
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Descriptor maker")
struct DescriptorMakerTests {
    private static let now = DirectoryFixture.now

    private struct Bench {
        var settings: NodeSettings
        let root: NetworkFile
        let identity: SigningKey
        let keys: [KeyPeriod: KEMPublicKey]
        let directory: TemporaryDirectory

        init(urls: [String] = ["http://127.0.0.1:1"]) throws {
            directory = try TemporaryDirectory("maker")
            settings = try DirectoryFixture.settings(directory.path)
            root = try DirectoryFixture(urls: urls).root
            identity = try DirectoryFixture.identity("own")
            let calendar = NetworkParameters(root: root.parameters).calendar
            let period = try #require(calendar.period(at: DescriptorMakerTests.now))
            let key = try #require(DirectoryFixture.packetKey)
            keys = try Dictionary(
                uniqueKeysWithValues: (0...2).map { (try #require(period.advanced(by: $0)), key) })
        }

        var maker: DescriptorMaker { DescriptorMaker(settings: settings, root: root) }

        func make(isLeaving: Bool = false, at now: Timestamp = DescriptorMakerTests.now) throws -> Descriptor {
            try Descriptor.make(maker.fields(keys: keys, isLeaving: isLeaving, at: now), identity: identity)
        }

        func isDue(_ descriptor: Descriptor?, isLeaving: Bool = false, at now: Timestamp) -> Bool {
            maker.isDue(descriptor, wanted: maker.fields(keys: keys, isLeaving: isLeaving, at: now), at: now)
        }
    }

    @Test("a descriptor is valid for six days, but never longer than its keys")
    func validity() throws {
        let bench = try Bench()
        let made = try bench.make()
        #expect(made.fields.validUntil - made.fields.published == .days(6))
        let first = try #require(bench.keys.keys.min())
        let one = bench.maker.fields(keys: [first: try #require(bench.keys[first])], isLeaving: false, at: Self.now)
        #expect(one.validUntil == bench.maker.calendar.end(of: first))
        #expect(one.validUntil - one.published < .days(6))
        // In a network made by hand it lasts as long as its keys.
        let byHand = try Bench(urls: []).make()
        #expect(byHand.fields.validUntil - byHand.fields.published > .days(13))
    }

    @Test("it is made anew after nine to twelve hours, at another moment for each, and when the clock was set back")
    func renewal() throws {
        let bench = try Bench()
        #expect(bench.isDue(nil, at: Self.now))
        var ages: Set<Int64> = []
        for hour in 0..<30 {
            let at = Self.now + .hours(Int64(hour))
            let made = try bench.make(at: at)
            #expect(!bench.isDue(made, at: at))
            let renewal = bench.maker.renewal(of: made)
            #expect(!bench.isDue(made, at: renewal - .seconds(1)) && bench.isDue(made, at: renewal))
            #expect(renewal - at > .hours(8) && renewal - at <= .hours(12))
            ages.insert((renewal - at).milliseconds)
        }
        #expect(ages.count > 10)
        #expect(bench.isDue(try bench.make(), at: Self.now - .days(1)))
    }

    @Test("every change of what it says makes it due, other things do not")
    func changes() throws {
        let bench = try Bench()
        let made = try bench.make()
        let at = Self.now + .minutes(1)
        let changes: [(inout NodeSettings) throws -> Void] = [
            { $0.nickname = try #require(Nickname("other")) },
            { $0.addresses.append(try #require(NodeAddress("127.0.0.3:1"))) },
            { $0.contact = "somebody" },
            { $0.family = [try DirectoryFixture.identity("x").verificationKey.nodeID] },
            { $0.mailboxes = MailboxSettings() },
            { $0.strategy = .threshold(count: 20, bound: .minutes(30)) },
        ]
        for (index, change) in changes.enumerated() {
            var changed = bench
            try change(&changed.settings)
            #expect(changed.isDue(made, at: at), "change \(index)")
        }
        #expect(bench.isDue(made, isLeaving: true, at: at))
        #expect(!bench.isDue(try bench.make(isLeaving: true), isLeaving: true, at: at))
        var same = bench
        same.settings.workers = 7
        same.settings.log.level = .debug
        #expect(!same.isDue(made, at: at))
        let wanted = bench.maker.fields(
            keys: bench.keys.filter { $0.key != bench.keys.keys.min() }, isLeaving: false, at: at)
        #expect(bench.maker.isDue(made, wanted: wanted, at: at))
        // What is read back from the disk says the same.
        let read = try UnverifiedDescriptor(made.bytes).verify(network: "testing")
        #expect(!bench.isDue(read, at: at))
    }
}
