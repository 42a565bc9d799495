// How the publication of the descriptor stands, as the running node writes it down for `nightjar-node status`.

internal import Directory
internal import DirectoryService
internal import Foundation
internal import WireFormat

struct PublicationRecord: Codable, Equatable, Sendable {
    struct Entry: Codable, Equatable, Sendable {
        /// The authority's name.
        var name: String
        /// Whether it has the current descriptor.
        var isTaken: Bool
        /// `taken`, `refused`, `later`, `unreachable`, or `waiting` before the first attempt.
        var outcome: String
        /// What follows the authority's name.
        var words: String
        /// Times as in documents; nil if there is none.
        var at: String?
        var next: String?
        var failures: Int
    }

    /// Digest of the descriptor, hexadecimal; nil before there is one.
    var descriptor: String?
    var published: String?
    var validUntil: String?
    var isLeaving: Bool
    var authorities: [Entry]

    /// Most bytes of the file.
    static let maximumSize = 64 << 10

    init(descriptor: Descriptor?, plan: PublicationPlan) {
        self.descriptor = descriptor?.digest.hex
        published = descriptor?.fields.published.description
        validUntil = descriptor?.fields.validUntil.description
        isLeaving = descriptor?.fields.isLeaving ?? false
        authorities = plan.entries.map { entry in
            Entry(
                name: entry.authority.name.text, isTaken: plan.digest != nil && entry.taken == plan.digest,
                outcome: entry.outcome?.label ?? "waiting",
                words: entry.outcome?.words ?? "was not asked yet", at: entry.at?.description,
                next: entry.next?.description, failures: entry.failures)
        }
    }

    init?(_ bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = read
    }

    var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        // Strings, numbers and lists of them always encode.
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }
}
