// The other authorities over HTTP, for one slot: what this authority made is handed to them, and what they have is fetched.

internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool
internal import WireFormat

extension SlotByHand {
    /// What this authority recorded for the slot, with the names under which it is posted.
    func ownDocuments() throws -> [(upload: DirectoryUpload, bytes: [UInt8])] {
        let acts: [(OwnAct, DirectoryUpload)] = [(.vote, .vote), (.proposal, .proposal), (.signature, .signature)]
        return try acts.compactMap { act, upload in
            try parts.store.own(act, slot: slot.number).map { (upload, $0.bytes) }
        }
    }

    /// Everything that a peer has and this authority can use. What it gives is checked like anything else.
    /// - Returns: what was new, in words.
    func pull(from peer: Peer) async throws(FetchError) -> [String] {
        var found: [[UInt8]] = []
        if let newest = try await peer.ask({ source throws(FetchError) in
            try await source.consensus(newerThan: latest?.link)
        }) {
            found.append(newest)
        }
        found += await documents(named: "votes", .votes(slot.number), from: peer)
        found += await proposals(from: peer)
        let limit = DirectoryUpload.signature.mostBytes * Authority.maximumCount * 2
        let signatures: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.signatures(slot.number), limit: limit)
        }
        found += SignatureList.split(signatures ?? [])
        found += await descriptors(from: peer)
        var news: [String] = []
        for bytes in found {
            guard let imported = try? await take(bytes) else { continue }
            if imported.isNew { news.append(imported.what) }
            if let warning = imported.warning { news.append(warning) }
        }
        return news
    }

    /// The votes in a list `vote NAME DIGEST` that are not here.
    private func documents(named: String, _ route: DirectoryRoute, from peer: Peer) async -> [[UInt8]] {
        let list: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(route, limit: 64 << 10)
        }
        let digests = String(decoding: list ?? [], as: UTF8.self).split(separator: "\n").compactMap { line in
            line.split(separator: " ").last.flatMap { Digest(hex: String($0)) }
        }
        return await documents(Array(digests.prefix(Authority.maximumCount * 2)), from: peer)
    }

    private func proposals(from peer: Peer) async -> [[UInt8]] {
        let summary: [UInt8]? = try? await peer.ask { source throws(FetchError) in
            try await source.bytes(.slots, limit: 4 << 20)
        }
        let slots = try? JSONDecoder().decode([HealthReport.SlotInfo].self, from: Data(summary ?? []))
        let digest = slots?.first { $0.slot == slot.number }?.proposal
        return await documents(digest.map { [$0] } ?? [], from: peer)
    }

    private func documents(_ digests: [Digest], from peer: Peer) async -> [[UInt8]] {
        var found: [[UInt8]] = []
        for digest in digests where (try? parts.store.document(digest)) == .some(.none) {
            let bytes: [UInt8]? = try? await peer.ask { source throws(FetchError) in
                try await source.document(digest)
            }
            if let bytes { found.append(bytes) }
        }
        return found
    }

    /// The descriptors of the newest consensus that are not here.
    private func descriptors(from peer: Peer) async -> [[UInt8]] {
        let named = latest?.consensus.nodes.map(\.descriptor) ?? []
        guard let present = try? parts.store.present(among: named), present.count < named.count else { return [] }
        let missing = named.filter { !present.contains($0) }
        return
            (try? await peer.ask { source throws(FetchError) in
                try await source.descriptors(missing, outOf: named.count)
            }) ?? []
    }
}
