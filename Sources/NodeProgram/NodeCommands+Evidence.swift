internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import WireFormat

extension NodeCommands {
    /// `evidence`: prints where the certified consensuses lie that contradict each other.
    /// - Parameter acknowledge: the operator has taken note of all of them; health and status are well again.
    public static func evidence(_ path: String, acknowledge: Bool, json: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let cache = DirectoryCache(directory: NodeFiles(directory: settings.dataDirectory).directoryCache)
        guard cache.isInstalled else {
            throw CommandFailure("\(settings.dataDirectory) holds no directory; run `nightjar-node init`")
        }
        let taken = acknowledge ? try cache.acknowledgeForks() : []
        let forks = cache.forks()
        let terminal = Terminal.standard
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            let report = EvidenceReport(forks: forks, rollbacks: cache.rollbacks())
            try terminal.print(String(decoding: encoder.encode(report), as: UTF8.self))
            return
        }
        for fork in forks {
            let state = fork.isAcknowledged ? "acknowledged" : "new"
            try terminal.print("slot \(fork.slot): \(fork.digests.count) certified consensuses, \(state)")
            for file in fork.files { try terminal.print("  \(file)") }
        }
        for line in cache.rollbacks() { try terminal.print("rollback \(line)") }
        if forks.isEmpty {
            terminal.message("no two certified consensuses for one slot were seen")
        } else if !taken.isEmpty {
            terminal.message("noted; a running node is well again within seconds")
        } else if forks.contains(where: { !$0.isAcknowledged }) {
            terminal.message(
                "show these files to the people who run the network, then run `nightjar-node evidence --acknowledge`")
        }
    }
}

/// What `evidence --json` prints.
private struct EvidenceReport: Encodable {
    struct Fork: Encodable {
        var slot: UInt64
        var digests: [String]
        var files: [String]
        var isAcknowledged: Bool
    }
    var forks: [Fork]
    var rollbacks: [String]

    init(forks: [ForkEvidence], rollbacks: [String]) {
        self.forks = forks.map {
            Fork(
                slot: $0.slot.number, digests: $0.digests.map(\.hex), files: $0.files,
                isAcknowledged: $0.isAcknowledged)
        }
        self.rollbacks = rollbacks
    }
}
