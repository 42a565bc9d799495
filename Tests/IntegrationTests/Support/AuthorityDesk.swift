// What a test asks the authorities of a lab over HTTP, and what it sends them in the name of one of them.

import Directory
import DirectoryService
import Foundation
import LabProgram
import MixCrypto
import Testing
import WireFormat

/// Somebody who reads what the authorities of a lab publish.
struct AuthorityDesk: Sendable {
    let lab: RunningLab
    let root: NetworkFile
    private let client = DirectoryHTTPClient()

    init(_ lab: RunningLab) throws {
        self.lab = lab
        root = try UnverifiedNetworkFile(Array(Data(contentsOf: URL(fileURLWithPath: lab.networkFile)))).verify()
    }

    /// The slot at this moment.
    var slot: Slot { get throws { try #require(root.slots.slot(at: lab.now)) } }

    func get(_ name: String, _ path: String) async throws -> [UInt8]? {
        let authority = try #require(lab.authorities.first { $0.name == name })
        do throws(FetchError) {
            guard case .document(let bytes) = try await client.get("\(authority.url)/\(path)", limit: 16 << 20) else {
                return nil
            }
            return bytes
        } catch {
            return nil
        }
    }

    func text(_ name: String, _ path: String) async throws -> String {
        String(decoding: try await get(name, path) ?? [], as: UTF8.self)
    }

    /// The newest certified consensus of an authority, verified.
    func consensus(_ name: String, slot: Slot? = nil) async throws -> CertifiedConsensus? {
        let path = slot.map { "consensuses/\($0)" } ?? "consensus"
        return try await get(name, path).map { try UnverifiedConsensus($0).verify(in: root) }
    }

    /// Waits until an authority has a consensus of `slot` or a later one.
    func reaches(_ slot: Slot, _ name: String, seconds: Double = 60) async throws -> CertifiedConsensus {
        var newest: CertifiedConsensus?
        try await eventually("\(name) has a consensus of slot \(slot); log: \(lab.log(name).suffix(600))", seconds: seconds) {
            newest = try await consensus(name)
            return newest.map { $0.slot >= slot } ?? false
        }
        return try #require(newest)
    }

    func post(_ bytes: [UInt8], as kind: DirectoryUpload, to name: String) async throws -> PeerOutcome {
        let authority = try #require(lab.authorities.first { $0.name == name })
        return await PeerSender(client: client).post(bytes, as: kind, to: [authority.url])
    }

    /// The online key of an authority of the lab: who has it can lie in its name.
    func signer(_ name: String) throws -> AuthoritySigner {
        let directory = lab.dataDirectory(name)
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/certificate")))
        return try AuthoritySigner(
            certificate: UnverifiedCertificate(bytes).verify(in: root, at: lab.now),
            key: HybridSigningKey(
                seed: SecretFile.read("\(directory)/signing.key", count: HybridSigningKey.seedSize)))
    }
}
