// How the pinger's report stands with the authorities, and why there is none if there is none, as the running pinger writes it
// down for `nightjar-pinger report`.

internal import Directory
internal import DirectoryService
internal import Foundation
internal import WireFormat

/// The file `publication` of the data directory.
struct PublicationRecord: Codable, Equatable, Sendable {
    /// One authority.
    struct Entry: Codable, Equatable, Sendable {
        var name: String
        /// Whether it has the last report.
        var isTaken: Bool
        /// `taken`, `refused`, `later`, `unreachable`, or `waiting` before the first attempt.
        var outcome: String
        /// What follows the authority's name.
        var words: String
        /// Times as in documents; nil if there is none.
        var at: String?
        var next: String?
    }

    /// Why nothing is said, and since when.
    struct Silent: Codable, Equatable, Sendable {
        /// `Silence.kind`.
        var kind: String
        var words: String
        var since: String
    }

    /// Digest of the last report, hexadecimal; nil before there is one.
    var report: String?
    var published: String?
    var silence: Silent?
    var authorities: [Entry]

    /// Most bytes of the file.
    static let maximumSize = 256 << 10

    init(report: String? = nil, published: Timestamp? = nil, silence: Silent? = nil, plan: PublicationPlan) {
        self.report = report
        self.published = published?.description
        self.silence = silence
        authorities = plan.entries.map { entry in
            Entry(
                name: entry.authority.name.text, isTaken: plan.digest != nil && entry.taken == plan.digest,
                outcome: entry.outcome?.label ?? "waiting", words: entry.outcome?.words ?? "was not asked yet",
                at: entry.at?.description, next: entry.next?.description)
        }
    }

    init?(_ bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = read
    }

    var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Strings and lists of them always encode.
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }
}

extension PublicationOutcome {
    /// What follows the name of the authority.
    var words: String {
        switch self {
        case .taken: "has the report"
        case .refused(let words): "refuses the report: \(words)"
        case .later(let pause): "takes no more reports for now, for \(max(1, pause.milliseconds / 60_000)) min"
        case .unreachable(let words): "was not reached: \(words)"
        }
    }
}
