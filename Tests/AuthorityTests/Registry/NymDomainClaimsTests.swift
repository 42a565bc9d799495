import Daemon
import Directory
import DirectoryService
import Foundation
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Of two keys for one domain of nyms the one that was here first stays.
@Suite struct NymDomainClaimsTests {
    private static func key() throws -> KEMPublicKey { try KEMPrivateKey(seed: .random(count: 32)).publicKey }

    private let fleet: AuthorityFleet
    private let clock = ManualClock(ScaledClock.systemTime())

    init() throws { fleet = try AuthorityFleet(1) }

    private func descriptor(
        _ name: String, _ domains: [String: KEMPublicKey], identity: SigningKey? = nil, age: Interval = .zero,
        isLeaving: Bool = false
    ) throws -> Descriptor {
        var fields = try fleet.node(name).fields
        fields.published = Timestamp(seconds: clock.now().seconds) - age
        fields.validUntil = fields.published + .days(6)
        fields.isLeaving = isLeaving
        fields.nymDomains = try domains.map { try #require(NymDomain(domain: $0.key, key: $0.value)) }
        return try Descriptor.make(fields, identity: identity ?? .generate())
    }

    private func register(bad: Set<NodeID> = []) throws -> NodeRegistry {
        try NodeRegistry(
            store: AuthorityStore.open(path: fleet.directory.file("\(UUID()).sqlite")), network: fleet.network,
            limits: RegistryLimits(), voted: VotedFlags(bad: bad, checksReachability: false),
            lookup: HostLookup(limit: 1, timeout: .seconds(1)), now: { [clock] in clock.now() })
    }

    private func domain(_ verdict: RegistryVerdict) -> String? {
        if case .refused(.nymDomainTaken(let domain, _, _)) = verdict { domain } else { nil }
    }

    @Test func theRule() throws {
        let (one, two) = (try Self.key(), try Self.key())
        let (alpha, beta) = (
            try descriptor("alpha", ["nym.example": one]), try descriptor("beta", ["nym.example": one])
        )
        let claims = NymDomainClaims([alpha, beta])
        // The same key, another domain, none at all.
        for domains in [["nym.example": one], ["other.example": two], [:]] {
            #expect(claims.refusal(of: try descriptor("gamma", domains)) == nil)
        }
        let squatter = try descriptor("gamma", ["a.example": two, "nym.example": two])
        let first = [alpha.id, beta.id].min()
        let refusal = try #require(claims.refusal(of: squatter))
        #expect(refusal == .nymDomainTaken("nym.example", key: one.fingerprint, by: try #require(first)))
        #expect(refusal.isConflict && refusal.label == "nym_domain")
        for words in ["nym.example", one.fingerprint.description, "[[exit.nym]]", "key-file"] {
            #expect(refusal.words.contains(words))
        }
        #expect(claims.disputed.isEmpty)
        // Of a dispute that is there both go on, and nobody joins either.
        let both = NymDomainClaims([alpha, beta, squatter])
        #expect([alpha, beta, squatter].allSatisfy { both.refusal(of: $0) == nil })
        #expect(both.refusal(of: try descriptor("delta", ["nym.example": one])) != nil)
        let sides = [
            DisputedNymDomain.Side(key: one.fingerprint, nodes: ["alpha", "beta"]),
            DisputedNymDomain.Side(key: two.fingerprint, nodes: ["gamma"]),
        ]
        #expect(both.disputed == [DisputedNymDomain(domain: "nym.example", sides: sides)])
    }

    @Test func aNodeAloneChangesItsKeyAndSeveralStopFirst() async throws {
        let registry = try register()
        let (one, two) = (try Self.key(), try Self.key())
        let (alpha, beta) = (try SigningKey.generate(), try SigningKey.generate())
        func post(_ name: String, _ identity: SigningKey, _ key: KEMPublicKey?) async throws -> RegistryVerdict {
            clock.advance(by: .hours(1))
            let domains = key.map { ["nym.example": $0] } ?? [:]
            return await registry.take(try descriptor(name, domains, identity: identity).bytes)
        }
        #expect(try await post("alpha", alpha, one) == .stored)
        #expect(try await post("alpha", alpha, two) == .stored)
        #expect(domain(try await post("beta", beta, one)) == "nym.example")
        #expect(try await post("beta", beta, two) == .stored)
        // Neither can change it while the other announces the old one.
        #expect(domain(try await post("alpha", alpha, one)) == "nym.example")
        #expect(try await post("alpha", alpha, nil) == .stored)
        #expect(domain(try await post("alpha", alpha, one)) == "nym.example")
        #expect(try await post("beta", beta, nil) == .stored)
        #expect(try await post("alpha", alpha, one) == .stored)
        #expect(try await post("beta", beta, one) == .stored)
        #expect(await registry.disputedDomains().isEmpty)
    }

    @Test func whoIsGoneHoldsNothing() async throws {
        let registry = try register()
        let (one, two) = (try Self.key(), try Self.key())
        let identity = try SigningKey.generate()
        let first = try descriptor("alpha", ["nym.example": one], identity: identity, age: .minutes(1))
        #expect(await registry.take(first.bytes) == .stored)
        let second = try descriptor("beta", ["nym.example": two])
        #expect(domain(await registry.take(second.bytes)) == "nym.example")
        let last = try descriptor("alpha", ["nym.example": one], identity: identity, isLeaving: true)
        #expect(await registry.take(last.bytes) == .stored)
        #expect(await registry.take(second.bytes) == .stored)
        // Expired, though the register has it still.
        let other = try register()
        #expect(await other.take(first.bytes) == .stored)
        clock.advance(by: .days(6))
        #expect(await other.take(try descriptor("beta", ["nym.example": two]).bytes) == .stored)
    }

    @Test func whoIsCalledBadHoldsNothingAndStandsInNobodysWay() async throws {
        let (one, two) = (try Self.key(), try Self.key())
        let squatter = try descriptor("alpha", ["nym.example": one])
        let honest = try descriptor("beta", ["nym.example": two])
        let registry = try register(bad: [squatter.id])
        #expect(await registry.take(squatter.bytes) == .stored)
        #expect(await registry.ballot(at: clock.now(), listed: nil).map(\.id) == [squatter.id])
        #expect(await registry.take(honest.bytes) == .stored)
        #expect(await registry.ballot(at: clock.now(), listed: nil).map(\.id) == [honest.id])
        #expect(await registry.disputedDomains().isEmpty)
    }

    @Test func whatOthersTookCountsFromTheConsensus() async throws {
        let (one, two) = (try Self.key(), try Self.key())
        let path = fleet.directory.file("listed.sqlite")
        let store = try AuthorityStore.open(path: path)
        let registry = try NodeRegistry(
            store: store, network: fleet.network, limits: RegistryLimits(),
            voted: VotedFlags(bad: [], checksReachability: false),
            lookup: HostLookup(limit: 1, timeout: .seconds(1)), now: { [clock] in clock.now() })
        let listed = try descriptor("alpha", ["nym.example": one])
        let sole = try SoleAuthority(
            network: "fleet", isTest: true, key: HybridSigningKey.generate(), published: clock.now() - .hours(2))
        let consensus = try sole.certify([listed], at: clock.now()).consensus
        // Not here yet: nothing is known of it.
        await registry.noteCertified(consensus)
        let early = try descriptor("beta", ["nym.example": two])
        #expect(await registry.disputedDomains().isEmpty)
        try store.keep(
            StoredDocument(digest: listed.digest, kind: .descriptor, received: clock.now(), bytes: listed.bytes))
        await registry.noteCertified(consensus)
        #expect(domain(await registry.take(early.bytes)) == "nym.example")
        #expect(await registry.take(try descriptor("gamma", ["nym.example": one]).bytes) == .stored)
    }

    @Test(.timeLimit(.minutes(2))) func whatTheOperatorsRead() async throws {
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20))
        try await fleet.start([0])
        let (one, two) = (try Self.key(), try Self.key())
        func node(_ name: String, _ key: KEMPublicKey) throws -> Descriptor {
            try fleet.node(name) { fields in
                fields.nymDomains = [NymDomain(domain: "nym.example", key: key)].compactMap(\.self)
            }
        }
        #expect(try await fleet.post(node("alpha", one).bytes, as: .descriptor, to: 0).status == 200)
        let answer = try await fleet.post(node("beta", two).bytes, as: .descriptor, to: 0)
        #expect(answer.status == 409 && answer.words.contains(one.fingerprint.description), "\(answer)")
        #expect(try fleet.authority(0).parts.counters.current("descriptors", kind: "nym_domain") == 1)
        try await fleet.stopAll()
    }
}
