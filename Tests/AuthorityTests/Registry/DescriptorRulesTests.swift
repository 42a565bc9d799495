import Directory
import MixCrypto
import Spool
import Testing
import WireFormat

@testable import AuthorityProgram

/// What an authority takes from nodes, and what it tells those that it refuses.
@Suite struct DescriptorRulesTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func descriptor(
        _ name: String = "alpha", published: Timestamp? = nil, validFor: Interval = .days(6),
        addresses: [String] = ["198.41.0.4:4000"], key: SigningKey? = nil
    ) throws -> Descriptor {
        let published = published ?? now
        let fields = DescriptorFields(
            network: "net", nickname: try #require(Nickname(name)),
            addresses: try addresses.map { try #require(NodeAddress($0)) }, published: published,
            validUntil: published + validFor, keys: [:], capabilities: [], software: "test")
        return try Descriptor.make(fields, identity: key ?? SigningKey.generate())
    }

    private func registered(_ descriptor: Descriptor) -> RegisteredNode {
        RegisteredNode(
            id: descriptor.id, nickname: descriptor.fields.nickname.text, firstSeen: now,
            descriptor: descriptor.digest, published: descriptor.fields.published,
            validUntil: descriptor.fields.validUntil)
    }

    private func decide(
        _ descriptor: Descriptor, known: RegisteredNode? = nil, owner: NodeID? = nil,
        isTest: Bool = false
    ) -> DescriptorDecision {
        DescriptorRules(isTest: isTest, limits: RegistryLimits()).decide(
            descriptor, known: known, owner: owner, now: now)
    }

    @Test func goodOnesAreTaken() throws {
        #expect(decide(try descriptor()) == .take)
        #expect(decide(try descriptor(published: now + .minutes(9))) == .take)
        #expect(decide(try descriptor(addresses: ["mix.nightjar.net:4000", "[2620:fe::fe]:4000"])) == .take)
    }

    @Test func datesMustFit() throws {
        let late = now + .minutes(11)
        #expect(decide(try descriptor(published: late)) == .refused(.fromTheFuture(late)))
        let old = try descriptor(published: now - .days(20))
        #expect(decide(old) == .refused(.expired(old.fields.validUntil)))
        #expect(decide(try descriptor(validFor: .days(8))) == .take)
        let long = now + .days(8) + .seconds(1)
        let forever = try descriptor(validFor: .days(8) + .seconds(1))
        #expect(decide(forever) == .refused(.validTooLong(long, upTo: now + .days(8))))
        // Where people carry descriptors about they last as long as their keys.
        var rules = DescriptorRules(isTest: false, limits: RegistryLimits())
        rules.boundsValidity = false
        #expect(rules.decide(forever, known: nil, owner: nil, now: now) == .take)
    }

    @Test func whereAnAuthorityAnswersThereIsNoNode() throws {
        var rules = DescriptorRules(isTest: true, limits: RegistryLimits())
        rules.authorities = [try #require(NodeAddress("198.41.0.4:80"))]
        let there = try descriptor(addresses: ["198.41.0.4:4000", "198.41.0.4:80"])
        #expect(rules.decide(there, known: nil, owner: nil, now: now) == .refused(.authorityAddress("198.41.0.4:80")))
        #expect(rules.decide(try descriptor(), known: nil, owner: nil, now: now) == .take)
    }

    @Test func theNewerOneOfANodeStays() throws {
        let key = try SigningKey.generate()
        let first = try descriptor(published: now - .hours(1), key: key)
        let second = try descriptor("alpha2", published: now, key: key)
        #expect(decide(second, known: registered(first)) == .take)
        #expect(decide(first, known: registered(second)) == .known)
        #expect(decide(second, known: registered(second)) == .known)
        // Of two made in the same second all authorities keep the same one, in whatever order they come.
        let twin = try descriptor("alpha3", published: now, key: key)
        let decisions = [
            decide(second, known: registered(twin)), decide(twin, known: registered(second)),
        ]
        #expect(decisions.contains(.take) && decisions.contains(.known))
    }

    @Test func aNicknameIsOfTheFirst() throws {
        let (first, second) = (try descriptor(), try descriptor())
        #expect(decide(second, owner: first.id) == .refused(.nicknameTaken("alpha", by: first.id)))
        #expect(decide(first, owner: first.id) == .take)
        #expect(DescriptorRefusal.nicknameTaken("alpha", by: first.id).isConflict)
    }

    @Test func addressesMustBePublicOutsideOfTests() throws {
        for address in ["127.0.0.1:4000", "10.1.2.3:4000", "[fe80::1]:4000", "localhost:4000"] {
            let one = try descriptor(addresses: ["198.41.0.4:4000", address])
            #expect(decide(one) == .refused(.privateAddress(address)))
            #expect(decide(one, isTest: true) == .take)
        }
        let rules = DescriptorRules(isTest: false, limits: RegistryLimits())
        let named = try descriptor(addresses: ["mix.nightjar.net:4000"])
        #expect(rules.hostsToLookUp(named) == ["mix.nightjar.net"])
        #expect(rules.judge("h", []) == .unresolvable("h"))
        #expect(rules.judge("h", [try #require(NodeAddress("10.0.0.1:1"))]) == .privateHost("h"))
        let mixed = try ["10.0.0.1:1", "198.41.0.4:1"].map { try #require(NodeAddress($0)) }
        #expect(rules.judge("h", mixed) == nil)
        #expect(DescriptorRules(isTest: true, limits: RegistryLimits()).hostsToLookUp(named).isEmpty)
    }

    @Test func ratesAreHeld() {
        var bucket = TokenBucket(perHour: 2, now: now)
        let first = [bucket.take(at: now), bucket.take(at: now), bucket.take(at: now)]
        #expect(first == [true, true, false])
        let wait = bucket.wait(at: now)
        #expect(wait == .minutes(30))
        // A clock that goes back gives nothing, also when it comes forward again.
        let later = [now - .hours(5), now - .hours(5) + .minutes(29), now + .minutes(30)].map { bucket.take(at: $0) }
        #expect(later == [false, false, true])
        // More at once than in an hour; by weight.
        var bytes = TokenBucket(perHour: 10, most: 240, now: now)
        let taken = [bytes.take(241, at: now), bytes.take(240, at: now), bytes.take(1, at: now)]
        #expect(taken == [false, true, false])
        let left = bytes.wait(20, at: now)
        #expect(left == .hours(2))
        let full = [bytes.isFull(at: now + .hours(23)), bytes.isFull(at: now + .hours(24))]
        #expect(full == [false, true])
    }

    @Test func flagsFollowFromWhatIsKnown() throws {
        var fields = try descriptor().fields
        fields.capabilities = [Capability(Capability.Name.mbox), Capability(Capability.Name.mailbox)]
        let one = try Descriptor.make(fields, identity: SigningKey.generate())
        var node = registered(one)
        let voted = VotedFlags(bad: [], checksReachability: true)
        #expect(voted.flags(node, one, listed: nil, at: now) == [.exit, .mailbox])
        node.reachedBefore = true
        #expect(voted.flags(node, one, listed: nil, at: now) == [.exit, .mailbox, .running])
        // Not before all others can know it.
        #expect(!voted.flags(node, one, listed: [], at: now).contains(.running))
        #expect(voted.flags(node, one, listed: [one.id], at: now).contains(.running))
        node.listedSince = now - .days(7)
        #expect(voted.flags(node, one, listed: nil, at: now).contains(.stable))
        #expect(!voted.flags(node, one, listed: nil, at: now - .seconds(1)).contains(.stable))
        let strict = VotedFlags(bad: [one.id], checksReachability: false)
        #expect(strict.flags(registered(one), one, listed: nil, at: now).isSuperset(of: [.bad, .running]))
    }
}
