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

/// The next edition of the network file: what a start takes, and that the chain of consensuses goes on through it.
@Suite(.serialized) struct EditionTests {
    private func store(_ fleet: AuthorityFleet, _ index: Int = 0) throws -> AuthorityStore {
        try AuthorityStore.open(path: AuthorityFiles(directory: fleet.settings[index].dataDirectory).database)
    }

    /// What a start says of this file; empty if it takes it.
    private func words(_ file: NetworkFile, _ store: AuthorityStore) -> String {
        do {
            _ = try NetworkEditions(file, path: "network", store: store, now: ScaledClock.systemTime())
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func editionsOnlyGoForward() throws {
        let fleet = try AuthorityFleet(2)
        let store = try store(fleet)
        let second = try fleet.edition(after: fleet.network, mirrors: ["http://127.0.0.1:9"])
        let fork = try fleet.edition(after: fleet.network, mirrors: ["http://127.0.0.1:10"])
        let third = try fleet.edition(after: second)
        let fourth = try fleet.edition(after: third)
        #expect(words(fleet.network, store) == "" && words(fleet.network, store) == "")
        #expect(words(third, store).contains("add the editions between them first"))
        #expect(words(third, store).contains("in order; other authorities serve them as /networks/NUMBER"))
        #expect(words(second, store) == "" && words(second, store) == "")
        let back = words(fleet.network, store)
        #expect(back.contains("older than version 2") && back.contains("put version 2 back"))
        #expect(back.contains(second.digest.hex) && back.contains(fleet.network.digest.hex))
        #expect(words(fork, store).contains("two different network files of version 2"))
        #expect(words(third, store) == "" && words(fourth, store) == "")
        let editions = try NetworkEditions(fourth, path: "network", store: store, now: ScaledClock.systemTime())
        #expect(editions.formerVersions == [1, 2, 3] && editions.edition(2)?.digest == second.digest)
    }

    /// An edition that only a part of the old set signed.
    @Test func theSetBeforeMustAgree() throws {
        let fleet = try AuthorityFleet(2)
        let store = try store(fleet)
        #expect(words(fleet.network, store) == "")
        let other = try AuthorityFleet(2)
        let draft = try NetworkFile.draft(
            name: "fleet", version: 2, isTest: true, published: fleet.network.published,
            authorities: other.network.authorities, parameters: fleet.network.parameters,
            previous: fleet.network.digest)
        let taken = try other.identities.reduce(draft) { try $0.signed(by: $1) }.verify()
        #expect(words(taken, store).contains("of the authorities of the installed edition"))
    }

    @Test func whoHasNoFormerEditionTakesItByItsDigest() throws {
        let fleet = try AuthorityFleet(2)
        let store = try store(fleet)
        let second = try fleet.edition(after: fleet.network)
        let third = try fleet.edition(after: second)
        let fork = try fleet.edition(after: fleet.network, mirrors: ["http://127.0.0.1:10"])
        let editions = try NetworkEditions(third, path: "network", store: store, now: ScaledClock.systemTime())
        #expect(editions.formerVersions.isEmpty)
        // Not the one before, and another one of its version.
        #expect(try !editions.take(fleet.network.bytes))
        #expect(try !editions.take(fork.bytes))
        #expect(try editions.take(second.bytes))
        #expect(try editions.take(fleet.network.bytes))
        #expect(editions.formerVersions == [1, 2] && editions.oldest.digest == fleet.network.digest)
        #expect(try store.networks().map(\.slot) == [3, 2, 1])
    }

    /// A store is of one authority in one network; a new identity under the same name goes on with it.
    @Test func aDatabaseOfAnotherIsRefused() throws {
        let fleet = try AuthorityFleet(2)
        let store = try store(fleet)
        let now = ScaledClock.systemTime()
        _ = try AuthorityIdentity.editions(fleet.network, fleet.settings[0], store: store, at: now)
        _ = try AuthorityIdentity.editions(fleet.network, fleet.settings[0], store: store, at: now)
        do {
            _ = try AuthorityIdentity.editions(fleet.network, fleet.settings[1], store: store, at: now)
            Issue.record("another authority's database was taken")
        } catch {
            #expect("\(error)".contains("belongs to authority authority0"))
        }
        let fresh = try HybridSigningKey.generate()
        let second = try fleet.edition(after: fleet.network, identities: [0: fresh])
        _ = try AuthorityIdentity.editions(second, fleet.settings[0], store: store, at: now)
        #expect(try store.owner()?.identity == fresh.verificationKey.digest)
    }

    /// Everybody restarts with the next edition, one with an empty database.
    @Test(.timeLimit(.minutes(3))) func theChainGoesOn() async throws {
        let fleet = try AuthorityFleet(3)
        try await fleet.start(0..<3)
        let alpha = try fleet.node("alpha")
        for index in 0..<3 { _ = try await fleet.post(alpha.bytes, as: .descriptor, to: index) }
        try await fleet.waitForConsensus(0..<3) { $0.consensus.nodes.contains { $0.flags.contains(.running) } }
        try await fleet.stopAll()
        let second = try fleet.edition(after: fleet.network, mirrors: ["http://127.0.0.1:9"])
        try AtomicFile.write(second.bytes, to: fleet.directory.file("network"))
        // Who stopped last may have one more than the other, which would get it in a moment.
        let stores = try [0, 1].map { try store(fleet, $0) }
        let latest = try stores.map { try AuthorityFleet.require($0.latestConsensus()) }
        let keeper = latest[0].slot >= latest[1].slot ? 0 : 1
        let last = latest[keeper]
        for store in stores {
            try store.keep(last)
            store.close()
        }
        let lost = AuthorityFiles(directory: fleet.settings[2].dataDirectory).database
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: lost + suffix) {
            try FileManager.default.removeItem(atPath: lost + suffix)
        }

        try await fleet.start([0])
        // The last consensus of the edition before is served still.
        #expect(try await fleet.get(.consensus, from: 0) == last.bytes)
        #expect(try await fleet.get(.networkVersion(1), from: 0) == fleet.network.bytes)
        try await fleet.start(1..<3)
        let beta = try fleet.node("beta", address: "127.0.0.1:4001")
        for index in 0..<3 {
            for node in [alpha, beta] { _ = try await fleet.post(node.bytes, as: .descriptor, to: index) }
        }
        func newest() async throws -> CertifiedConsensus? {
            let found = try UnverifiedConsensus(try await fleet.get(.consensus, from: 0))
            return found.networkVersion == 2 ? try found.verify(in: second) : nil
        }
        var certified: CertifiedConsensus?
        try await fleet.wait("there is a consensus of the next edition") {
            certified = try await newest()
            return certified != nil
        }
        var walk = try AuthorityFleet.require(certified)
        while let link = walk.consensus.previous {
            let bytes = try await fleet.get(.consensusAt(link.slot.number), from: 0)
            let before = try UnverifiedConsensus(bytes)
            #expect(before.link == link)
            guard before.networkVersion == 2 else { break }
            walk = try before.verify(in: second)
        }
        // The first one of the new edition stands on one of the old, so who is new is not Running at once.
        #expect(walk.consensus.previous?.digest == last.digest)
        for node in walk.consensus.nodes {
            #expect(node.flags.contains(.running) == (node.id == alpha.id), "\(node.nickname)")
        }
        // The one that had nothing has both editions.
        try await fleet.wait("the new one knows the edition before") {
            (try? await fleet.get(.networkVersion(1), from: 2)) == fleet.network.bytes
        }
        let source = try HTTPSource(url: fleet.url(keeper), client: fleet.client)
        var audit = Audit(source: source, network: second)
        var findings: [AuditedConsensus] = []
        try await audit.run(10) { findings.append($0) }
        #expect(findings.count >= 2)
        for one in findings {
            guard case .identical = one.finding else {
                Issue.record("slot \(one.slot): \(one.finding)")
                continue
            }
        }
        #expect(findings.contains { $0.digest == last.digest })
        try await fleet.stopAll()
    }
}

extension AuthorityFleet {
    /// The edition after `file`, signed by all.
    func edition(
        after file: NetworkFile, mirrors: [String] = [], identities fresh: [Int: HybridSigningKey] = [:]
    ) throws -> NetworkFile {
        let draft = try NetworkFile.draft(
            name: file.name, version: file.version + 1, isTest: file.isTest, published: file.published,
            authorities: file.authorities.enumerated().map { index, authority in
                fresh[index].map { Authority(name: authority.name, identity: $0.verificationKey, urls: authority.urls) }
                    ?? authority
            }, parameters: file.parameters, mirrors: mirrors, previous: file.digest)
        return try (identities + fresh.values).reduce(draft) { try $0.signed(by: $1) }.verify(succeeding: file)
    }
}
