import Daemon
import Directory
import Foundation
import MixCrypto
import Spool
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// The register with its store, under a clock that is moved by hand.
@Suite struct NodeRegistryTests {
    private let fleet: AuthorityFleet
    private let store: AuthorityStore
    private let clock: ManualClock

    init() throws {
        fleet = try AuthorityFleet(1)
        store = try AuthorityStore.open(path: fleet.directory.file("register.sqlite"))
        clock = ManualClock(ScaledClock.systemTime())
    }

    private func register(_ limits: RegistryLimits) throws -> NodeRegistry {
        try NodeRegistry(
            store: store, network: fleet.network, limits: limits,
            voted: VotedFlags(bad: [], checksReachability: true),
            lookup: HostLookup(limit: 1, timeout: .seconds(1)), now: { [clock] in clock.now() })
    }

    @Test func aFullOneMakesRoomForThoseWhoAnswer() async throws {
        var limits = RegistryLimits()
        limits.maximumNodes = 2
        let registry = try register(limits)
        let (made, real, late) = (try fleet.node("made"), try fleet.node("real"), try fleet.node("late"))
        #expect(await registry.take(made.bytes) == .stored)
        #expect(await registry.take(real.bytes) == .stored)
        await registry.noteTry(real.id, failure: nil)
        await registry.noteTry(made.id, failure: "refused")
        #expect(await registry.take(late.bytes) == .refused(.registerFull(2)))
        clock.advance(by: .minutes(61))
        #expect(await registry.take(late.bytes) == .stored)
        #expect(Set(await registry.all().map(\.node.nickname)) == ["real", "late"])
        // Those who answered stay, however many come.
        clock.advance(by: .hours(2))
        await registry.noteTry(late.id, failure: nil)
        #expect(await registry.take(try fleet.node("more").bytes) == .refused(.registerFull(2)))
        #expect(Set(try store.nodes().map(\.nickname)) == ["real", "late"])
        // But not for ever: who was not seen for days makes room.
        clock.advance(by: .days(2) - .hours(1))
        await registry.noteTry(late.id, failure: nil)
        #expect(await registry.take(try fleet.node("more").bytes) == .stored)
        #expect(Set(try store.nodes().map(\.nickname)) == ["late", "more"])
    }

    @Test func onlyNodesThatAnsweredOnceAreVotedFor() async throws {
        let registry = try register(RegistryLimits())
        let node = try fleet.node("alpha")
        #expect(await registry.take(node.bytes) == .stored)
        #expect(await registry.ballot(at: clock.now(), listed: nil).isEmpty)
        await registry.noteTry(node.id, failure: "silence")
        #expect(await registry.ballot(at: clock.now(), listed: nil).isEmpty)
        await registry.noteTry(node.id, failure: nil)
        #expect(await registry.ballot(at: clock.now(), listed: nil).map(\.id) == [node.id])
        // Without tries all are.
        let blind = try NodeRegistry(
            store: AuthorityStore.open(path: fleet.directory.file("blind.sqlite")), network: fleet.network,
            limits: RegistryLimits(), voted: VotedFlags(bad: [], checksReachability: false),
            lookup: HostLookup(limit: 1, timeout: .seconds(1)), now: { [clock] in clock.now() })
        #expect(await blind.take(node.bytes) == .stored)
        #expect(await blind.ballot(at: clock.now(), listed: nil).map(\.id) == [node.id])
    }

    @Test func whoIsSilentForTwoWeeksIsForgotten() async throws {
        let registry = try register(RegistryLimits())
        let key = try SigningKey.generate()
        func edition() throws -> [UInt8] {
            var fields = try fleet.node("alpha").fields
            fields.published = Timestamp(seconds: clock.now().seconds)
            fields.validUntil = fields.published + .days(6)
            return try Descriptor.make(fields, identity: key).bytes
        }
        #expect(await registry.take(try edition()) == .stored)
        let id = key.verificationKey.nodeID
        await registry.noteTry(id, failure: nil)
        for day in 1...15 {
            clock.advance(by: .days(1))
            // It goes on uploading.
            _ = await registry.take(try edition())
            await registry.noteTry(id, failure: "silence")
            await registry.maintain()
            #expect(await registry.count == (day < 14 || day == 15 ? 1 : 0), "day \(day)")
        }
    }

    @Test func whatWasReplacedIsNotKept() async throws {
        let registry = try register(RegistryLimits())
        let key = try SigningKey.generate()
        let fields = try fleet.node("alpha").fields
        var digests: [Digest] = []
        for second in 0..<4 as Range<Int64> {
            var edition = fields
            edition.published = edition.published - .minutes(1) + .seconds(second)
            let descriptor = try Descriptor.make(edition, identity: key)
            digests.append(descriptor.digest)
            #expect(await registry.take(descriptor.bytes) == .stored)
        }
        try store.noteNamed([digests[1]], in: 7)
        await registry.maintain()
        #expect(try store.present(among: digests) == Set(digests))
        clock.advance(by: .minutes(61))
        await registry.maintain()
        // What a vote named stays with it, the newest with its node.
        #expect(try store.present(among: digests) == [digests[1], digests[3]])
    }

    @Test func aNodeHasSoManyBytesADay() async throws {
        var limits = RegistryLimits()
        limits.uploadsPerHour = 1000
        let registry = try register(limits)
        let key = try SigningKey.generate()
        let fields = try fleet.node("alpha").fields
        var bytes = 0
        for second in 0..<400 as Range<Int64> {
            var edition = fields
            edition.published = edition.published - .hours(1) + .seconds(second)
            let descriptor = try Descriptor.make(edition, identity: key)
            guard await registry.take(descriptor.bytes) == .stored else { break }
            bytes += descriptor.bytes.count
        }
        #expect((limits.uploadBytesPerDay - 4096...limits.uploadBytesPerDay).contains(bytes))
    }

    @Test func aNodeThatCannotBeTriedStaysAsItIsForAWhile() async throws {
        let registry = try register(RegistryLimits())
        let node = try fleet.node("alpha")
        #expect(await registry.take(node.bytes) == .stored)
        await registry.noteTry(node.id, failure: nil)
        await registry.noteTry(node.id, failure: nil)
        for _ in 0..<2 { await registry.notePostponed(node.id) }
        #expect(await registry.entry(node.id)?.node.reached == true)
        // A try between: from the beginning.
        await registry.noteTry(node.id, failure: nil)
        for _ in 0..<2 { await registry.notePostponed(node.id) }
        #expect(await registry.entry(node.id)?.node.reached == true)
        await registry.notePostponed(node.id)
        #expect(await registry.entry(node.id)?.node.failure == "postponed")
    }

    @Test func uploadsAndNewcomersAreRationed() async throws {
        var limits = RegistryLimits()
        (limits.newNodesPerHour, limits.uploadsPerHour) = (2, 2)
        let registry = try register(limits)
        let key = try SigningKey.generate()
        let first = try fleet.node("alpha").fields
        func edition(_ number: Int64) throws -> [UInt8] {
            var fields = first
            fields.published = fields.published - .hours(1) + .seconds(number)
            return try Descriptor.make(fields, identity: key).bytes
        }
        #expect(await registry.take(try edition(0)) == .stored)
        #expect(await registry.take(try edition(1)) == .stored)
        #expect(await registry.take(try edition(2)) == .stored)
        guard case .busy(let wait) = await registry.take(try edition(3)) else {
            Issue.record("it may go on without end")
            return
        }
        #expect(wait > .minutes(29) && wait <= .minutes(30))
        clock.advance(by: .minutes(31))
        #expect(await registry.take(try edition(3)) == .stored)
        // What is here already costs nothing.
        for _ in 0..<50 { #expect(await registry.take(try edition(0)) == .known) }
    }

    @Test func itIsTheSameAfterARestartAndForgets() async throws {
        let registry = try register(RegistryLimits())
        let node = try fleet.node("alpha")
        #expect(await registry.take(node.bytes) == .stored)
        await registry.noteTry(node.id, failure: nil)
        clock.advance(by: .seconds(1))
        await registry.noteTry(node.id, failure: "silence")
        await registry.maintain()
        let before = await registry.all().map(\.node)
        let again = try register(RegistryLimits())
        #expect(await again.all().map(\.node) == before)
        #expect(before.first.map { $0.reachedBefore && !$0.reached } == true)
        // One try in vain is forgiven, the second is not.
        let first = await again.ballot(at: clock.now(), listed: nil)
        #expect(first.first?.flags.contains(.running) == true)
        await again.noteTry(node.id, failure: "silence")
        let second = await again.ballot(at: clock.now(), listed: nil)
        #expect(second.first?.flags.contains(.running) == false)
        clock.advance(to: node.fields.validUntil)
        #expect(await again.ballot(at: clock.now(), listed: nil).isEmpty)
        clock.advance(by: RegistryLimits().forgetAfter)
        await again.maintain()
        #expect(await again.count == 0)
        #expect(try store.nodes().isEmpty)
    }

    @Test func hostNamesAreLookedUpInBoundedTime() async throws {
        let lookup = HostLookup(limit: 4, timeout: .seconds(5))
        #expect(
            try await lookup.addresses(of: "localhost", port: 7).contains { $0.host == "127.0.0.1" && $0.port == 7 })
        let busy = HostLookup(limit: 0, timeout: .seconds(1))
        await #expect(throws: HostLookup.Failure.busy) { try await busy.addresses(of: "localhost", port: 7) }
    }
}
