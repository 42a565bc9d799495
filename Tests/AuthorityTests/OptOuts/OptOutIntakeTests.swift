import Daemon
import Directory
import DirectoryService
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Statements of opt-outs on their way from a node through the authorities to everybody, over HTTP.
@Suite(.serialized) struct OptOutIntakeTests {
    /// A node with an identity, so that it can say more than one thing.
    private struct Speaker {
        let identity: SigningKey
        let network: NetworkFile
        let address: String

        func descriptor(_ name: String, naming statement: OptOutStatement?, later: Int64 = 0) throws -> Descriptor {
            let now = Timestamp(seconds: ScaledClock.systemTime().seconds + later)
            let calendar = NetworkParameters(root: network.parameters).calendar
            return try Descriptor.make(
                DescriptorFields(
                    network: network.name, nickname: AuthorityFleet.require(Nickname(name)),
                    addresses: [AuthorityFleet.require(NodeAddress(address))], published: now,
                    validUntil: now + .days(6),
                    keys: [
                        AuthorityFleet.require(calendar.period(at: now)): KEMPrivateKey(seed: .random(count: 32))
                            .publicKey
                    ],
                    capabilities: [Capability(Capability.Name.smtp), Capability(Capability.Name.relay)].sorted {
                        $0.name < $1.name
                    }, optOuts: statement?.digest, software: "test"), identity: identity)
        }

        func statement(_ addresses: [String], age: Interval = .zero) throws -> OptOutStatement {
            let hashing = OptOutHashing(network: network.name)
            let hashes = try addresses.compactMap { try OptOutAddress($0).map(hashing.callAsFunction) }
            return try OptOutStatement.make(
                hashes, network: network.name, published: ScaledClock.systemTime() - age, identity: identity)
        }
    }

    private static func speaker(_ fleet: AuthorityFleet, _ port: Int) throws -> Speaker {
        Speaker(identity: try SigningKey.generate(), network: fleet.network, address: "127.0.0.1:\(port)")
    }

    @Test(.timeLimit(.minutes(3))) func whatIsRefusedChangesNothingAndSaysWhy() async throws {
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20))
        try await fleet.start([0])
        let store = try fleet.authority(0).parts.store
        let node = try Self.speaker(fleet, 4001)
        let good = try node.statement(["ada@example.org"], age: .minutes(2))
        func post(_ bytes: [UInt8], _ status: Int, _ words: String = "", line: Int = #line) async throws {
            let answer = try await fleet.post(bytes, as: .optOuts, to: 0)
            #expect(answer.status == status && answer.words.contains(words), "line \(line): \(answer)")
        }
        try await post(good.bytes, 403, "its descriptor has to be taken first")
        let descriptor = try node.descriptor("alpha", naming: good)
        #expect(try await fleet.post(descriptor.bytes, as: .descriptor, to: 0).status == 200)
        try await post(good.bytes, 200)
        try await post(good.bytes, 202)
        // Another node's key under this one's name, another network, dates, damage.
        let stranger = try Self.speaker(fleet, 4002)
        try await post(try stranger.statement(["ada@example.org"]).bytes, 403, "does not know the node")
        var forged = try node.statement([]).bytes
        forged[forged.count - 60] = forged[forged.count - 60] == 65 ? 66 : 65
        try await post(forged, 403, "damaged or forged")
        let elsewhere = try OptOutStatement.make(
            good.hashes, network: "elsewhere", published: ScaledClock.systemTime(), identity: node.identity)
        try await post(elsewhere.bytes, 403, "another network, elsewhere")
        try await post(try node.statement([], age: .minutes(5)).bytes, 403, "only newer ones")
        try await post(try node.statement([], age: .minutes(-30)).bytes, 403, "check the clocks")
        try await post(Array(good.bytes.dropLast()), 400, "not a statement of opt-outs")
        try await post([UInt8](repeating: 10, count: OptOutStatement.maximumSize + 1), 413)
        #expect(try store.optOuts().map(\.digest) == [good.digest])
        #expect(try await fleet.get(.document(good.digest), from: 0) == good.bytes)
        // The last few are kept; so many an hour are taken; a restart knows them.
        var last = good
        for step in 1...11 {
            last = try node.statement(["user\(step)@example.org"], age: .seconds(60 - Int64(step)))
            try await post(last.bytes, 200)
        }
        try await post(try node.statement([]).bytes, 503)
        #expect(try store.optOuts().count == AuthorityStore.statementsPerNode)
        try await fleet.stop(0)
        try await fleet.start([0])
        try await post(last.bytes, 202)
        try await post(good.bytes, 403, "only newer ones")
        let authority = try fleet.authority(0)
        let size = try authority.parts.store.optOuts().reduce(0) { $0 + $1.size }
        #expect(await authority.optOuts.bytes == size)
        try await fleet.stopAll()
    }

    @Test func newcomersAreRefusedBeforeThoseWhoAreKnown() throws {
        let now = ScaledClock.systemTime()
        let statement = try UnverifiedOptOutStatement(
            OptOutStatement.make([], network: "testing", published: now, identity: .generate()).bytes)
        let rules = OptOutRules(network: "testing", limit: 8000)
        func decide(isNew: Bool, _ bytes: Int) -> OptOutDecision {
            rules.decide(
                statement, size: 500, isRegistered: true,
                newest: isNew ? nil : (digest: Digest.sha256("old"), published: now - .days(1)), bytes: bytes, now: now)
        }
        #expect(decide(isNew: true, 6500) == .take && decide(isNew: true, 6501) == .refused(.full(6501)))
        #expect(decide(isNew: false, 7500) == .take && decide(isNew: false, 7501) == .refused(.full(7501)))
    }

    @Test(.timeLimit(.minutes(5))) func everyExitHearsOfIt() async throws {
        let fleet = try AuthorityFleet(3, slotLength: .seconds(4))
        try await fleet.start(0..<3)
        let node = try Self.speaker(fleet, 4001)
        let cache = DirectoryCache(directory: fleet.directory.file("other-exit"))
        try cache.install(root: fleet.network.bytes)
        let list = OptOutList(network: fleet.network.name)
        let sources = (0..<3).map { try? HTTPSource(url: fleet.url($0), client: fleet.client) }.compactMap(\.self)
        /// Publishes as a node does, and refreshes as another exit does, until the other exit's list says so.
        func publish(_ statement: OptOutStatement?, _ name: String, later: Int64, to authorities: Range<Int>)
            async throws
            -> Descriptor
        {
            let descriptor = try node.descriptor(name, naming: statement, later: later)
            for index in 0..<3 {
                #expect(try await fleet.post(descriptor.bytes, as: .descriptor, to: index).status == 200)
            }
            for index in authorities {
                guard let statement else { continue }
                #expect(try await fleet.post(statement.bytes, as: .optOuts, to: index).status == 200)
            }
            try await fleet.waitForConsensus(0..<3, seconds: 60) { consensus in
                consensus.consensus.nodes.contains { $0.descriptor == descriptor.digest }
            }
            return descriptor
        }
        func refresh() async throws -> OptOutRefresh.Outcome {
            let now = ScaledClock.systemTime()
            _ = await DirectoryRefresh.run(cache, sources: sources, now: now, need: .thisSlot)
            let network = try cache.load(at: now)
            let outcome = await OptOutRefresh.run(cache, network: network, sources: sources, now: now)
            _ = OptOutCache(cache).load(list, network, at: now)
            return outcome
        }
        let first = try node.statement(["ada@example.org", "@quiet.example"], age: .minutes(1))
        // One authority alone has it: that is enough.
        _ = try await publish(first, "alpha", later: 0, to: 1..<2)
        #expect(try await refresh().fetched == 1)
        #expect(list.contains("Ada+x@example.org") && !list.contains("any@quiet.example"))
        // A whole host is not one node's to say.
        #expect(!list.contains("bob@example.org"))
        #expect(try await refresh().isChanged == false)
        // A newer one that nobody gives out: the old one stays in force.
        let second = try node.statement(["bob@example.org"], age: .seconds(30))
        _ = try await publish(second, "alpha", later: 1, to: 0..<0)
        #expect(try await refresh().missing == 1)
        #expect(list.contains("ada@example.org") && !list.contains("bob@example.org"))
        for index in 0..<3 { #expect(try await fleet.post(second.bytes, as: .optOuts, to: index).status == 200) }
        #expect(try await refresh().fetched == 1)
        #expect(!list.contains("ada@example.org") && list.contains("bob@example.org"))
        // The node says that it holds none any more.
        _ = try await publish(nil, "alpha", later: 2, to: 0..<0)
        #expect(try await refresh().removed == 1)
        #expect(!list.contains("bob@example.org") && list.count == 0)
        try await fleet.stopAll()
    }
}
