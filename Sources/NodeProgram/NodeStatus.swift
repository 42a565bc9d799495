// What `nightjar-node status` tells: whether the network knows the node, who does not want it, how old the directory is. Put
// together from the node's files, so that it works whether the node runs or not.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import MixCrypto
internal import WireFormat

struct NodeStatus: Codable, Equatable, Sendable {
    struct Consensus: Codable, Equatable, Sendable {
        var height: UInt64
        var published: String
        var freshUntil: String
        var validUntil: String
        var ageSeconds: Int64
        /// `fresh`, `old`, `expired` or `future`.
        var age: String
        /// Nodes that it lists.
        var nodes: Int
        /// Those of them whose descriptors are not here.
        var missing: Int
    }

    var nickname: String
    var id: String
    var isRunning: Bool
    var network: String
    var networkVersion: UInt32
    var networkDigest: String
    /// Nil if there is none.
    var consensus: Consensus?
    /// Whether the consensus lists the node.
    var isListed: Bool
    /// As documents spell them.
    var flags: [String]
    /// Until when some consensus names the node; nil if none does.
    var listedUntil: String?
    var isLeaving: Bool
    /// Whether it leaves, and no valid consensus names it any more.
    var mayStop: Bool
    /// Two certified consensuses for one slot were seen so often.
    var forks: Int
    /// Those of them that the operator has not taken note of.
    var openForks: Int
    /// Whether the node runs with other parameters than the network has.
    var isOutdated: Bool
    /// Nil at a node that is no exit, or has not run as one yet.
    var optOuts: OptOutSummary?
    /// Nil if the node has not run yet.
    var publication: PublicationRecord?

    /// - Throws: if there is no node, or no network file.
    init(_ settings: NodeSettings, now: Timestamp) throws {
        let files = NodeFiles(directory: settings.dataDirectory)
        let id = try files.loadIdentity().verificationKey.nodeID
        let root = try NetworkView.root(settings, files: files)
        let cache = DirectoryCache(directory: files.directoryCache)
        let found = cache.isInstalled ? try? cache.load(at: now, allowStale: true) : nil
        let network = found ?? Network(root: root)
        let book = AddressBook(
            String(
                decoding: (try? AtomicFile.read(files.addressBook, limit: AddressBook.maximumSize)) ?? [], as: UTF8.self
            ))
        nickname = settings.nickname.text
        self.id = id.hex
        isRunning = files.isRunning
        self.network = root.name
        networkVersion = root.version
        networkDigest = root.digest.hex
        consensus = network.consensus.map { Consensus($0, missing: network.missing.count, now: now) }
        let standing = network.standing(of: id)
        isListed = standing != nil
        flags = standing.map { $0.flags.sorted().map(\.rawValue) } ?? []
        let until = book.until(of: id).flatMap { $0 > now ? $0 : nil }
        listedUntil = until?.description
        isLeaving = FileManager.default.fileExists(atPath: files.leaving)
        mayStop = isLeaving && consensus != nil && consensus?.age != "expired" && !isListed && until == nil
        let evidence = cache.forks()
        forks = evidence.count
        openForks = evidence.count { !$0.isAcknowledged }
        isOutdated = isRunning && FileManager.default.fileExists(atPath: files.outdated)
        publication = (try? AtomicFile.read(files.publication, limit: PublicationRecord.maximumSize))
            .flatMap { PublicationRecord($0) }
        optOuts = settings.exit == nil ? nil : try? OptOutSummary(files, network: network, now: now)
    }

    /// What is wrong and wants somebody's attention; nil if the node is in the network or leaves it as it should.
    var trouble: String? {
        if openForks > 0 {
            return "two certified consensuses for one slot were seen: ask the people who run the network, "
                + "then `nightjar-node evidence --acknowledge`"
        }
        guard let consensus else { return "no consensus was fetched yet" }
        if consensus.age == "expired" {
            return "the consensus has expired; no source of the directory was reached lately"
        }
        if consensus.age == "future" { return "the consensus lies in the future; set this machine's clock" }
        if isLeaving { return nil }
        guard isListed else { return "the network does not list this node" }
        return isOutdated ? ParametersInForce.trouble : nil
    }

    /// Lines for people.
    var lines: [String] {
        var lines = ["node       \(nickname) \(id)\(isRunning ? "" : ", not running")"]
        lines.append("network    \(network), network file version \(networkVersion)")
        if let consensus {
            let minutes = consensus.ageSeconds / 60
            lines.append(
                "consensus  slot \(consensus.height) of \(consensus.published), \(minutes) min old (\(consensus.age)), "
                    + "\(consensus.nodes) nodes")
            if consensus.missing > 0 {
                lines.append("           the descriptors of \(consensus.missing) of them are missing")
            }
        } else {
            lines.append("consensus  none yet")
        }
        if isOutdated { lines.append("parameters are those of the node's start, not the network's; start it again") }
        if forks > 0 {
            lines.append(
                "evidence   \(forks) slots with two certified consensuses, \(openForks) not acknowledged; "
                    + "see `nightjar-node evidence`")
        }
        lines.append(
            "listed     \(isListed ? "yes: \(flags.isEmpty ? "no flags" : flags.joined(separator: " "))" : "no")")
        if let publication, let published = publication.published, let end = publication.validUntil {
            let leaving = publication.isLeaving ? ", says that the node leaves" : ""
            lines.append("descriptor of \(published), valid until \(end)\(leaving)")
        }
        if let optOuts { lines.append("opt-outs   \(optOuts.line)") }
        for entry in publication?.authorities ?? [] {
            let at = entry.at.map { " (\($0))" } ?? ""
            let next = entry.isTaken ? "" : entry.next.map { ", next attempt \($0)" } ?? ""
            lines.append("authority  \(entry.name) \(entry.words)\(at)\(next)")
        }
        if isLeaving {
            lines.append(
                mayStop
                    ? "leaving    no valid consensus names the node any more: it may be stopped for good"
                    : "leaving    keep it running; clients may use it\(listedUntil.map { " until \($0)" } ?? "")")
        }
        return lines
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension NodeStatus.Consensus {
    fileprivate init(_ certified: CertifiedConsensus, missing: Int, now: Timestamp) {
        let consensus = certified.consensus
        height = certified.slot.number
        published = consensus.published.description
        freshUntil = consensus.freshUntil.description
        validUntil = consensus.validUntil.description
        ageSeconds = (now - consensus.published).milliseconds / 1000
        age =
            switch certified.age(at: now) {
            case .fresh: "fresh"
            case .old: "old"
            case .expired: "expired"
            case .notYet: "future"
            }
        nodes = consensus.nodes.count
        self.missing = missing
    }
}
