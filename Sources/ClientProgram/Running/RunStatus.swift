// How `nightjar run` stands, in a small file that it writes every minute and that other commands read. Counts are rounded
// up and times are of whole minutes: whoever finds the file learns no more of the user's habits than that he has the
// program.

internal import Daemon
internal import Foundation
internal import WireFormat

/// The record.
struct RunStatus: Codable, Equatable, Sendable {
    /// One network's part.
    struct Network: Codable, Equatable, Sendable {
        var name: String
        /// Edition of the network file.
        var version: UInt32
        /// Of the consensus; nil while there is none that can be used.
        var height: UInt64?
        /// When it was made.
        var published: String?
        var validUntil: String?
        /// Packets of the user's that wait for each node, rounded up.
        var waiting: [Line] = []
        /// When a node last took a packet, of the user's or cover.
        var lastHandOver: String?
        /// When a mailbox was last polled, and answered.
        var lastPoll: String?
        /// When a source of the directory was last asked with success.
        var lastRefresh: String?

        /// What is known of the network.
        fileprivate var directory: String {
            guard let height, let published, let validUntil else { return "no consensus that can be used" }
            return "height \(height) made \(published), valid until \(validUntil)"
        }
    }

    /// The packets that wait for one node.
    struct Line: Codable, Equatable, Sendable {
        var node: String
        var id: String
        /// At most so many.
        var packets: Int
    }

    var process: Int
    var since: String
    var written: String
    var networks: [Network] = []
    /// What the user should know, each with what to do.
    var warnings: [String] = []

    /// The file's longest content.
    static let sizeLimit = 1 << 20

    /// The file.
    static func path(_ places: ClientPlaces) -> String { "\(places.data)/run.status" }

    /// `count` rounded up to 1, 2 or 5 times a power of ten, at least 10; 0 stays.
    static func roughly(_ count: Int) -> Int {
        guard count > 0 else { return 0 }
        var step = 10
        while true {
            for factor in [1, 2, 5] where count <= step * factor { return step * factor }
            guard step < 1_000_000_000 else { return count }
            step *= 10
        }
    }

    /// A time of whole minutes.
    static func minute(_ time: Timestamp) -> String { Timestamp(seconds: time.seconds / 60 * 60).description }

    func write(_ places: ClientPlaces) throws {
        try AtomicFile.write(text: JSONText.encode(self), to: Self.path(places))
    }

    /// The record of the process that runs now; nil if none does, or it has not written yet.
    static func read(_ places: ClientPlaces) -> RunStatus? {
        guard RunLock.isHeld(places), let bytes = try? AtomicFile.read(path(places), limit: sizeLimit) else {
            return nil
        }
        guard let status = try? JSONDecoder().decode(RunStatus.self, from: Data(bytes)),
            RunLock.holder(places) == status.process
        else { return nil }
        return status
    }

    /// For people.
    func lines() -> [String] {
        var lines = ["`nightjar run` is running since \(since) (process \(process))"]
        for network in networks {
            lines.append("network \(network.name) version \(network.version), " + network.directory)
            lines.append("  last packet taken by a node: \(network.lastHandOver ?? "none yet")")
            lines.append("  last mailbox poll: \(network.lastPoll ?? "none yet")")
            lines.append("  last refresh: \(network.lastRefresh ?? "none yet")")
            if network.waiting.isEmpty { lines.append("  no packets wait") }
            for line in network.waiting { lines.append("  up to \(line.packets) packets wait for \(line.node)") }
        }
        return lines + warnings.map { "warning: \($0)" }
    }
}
