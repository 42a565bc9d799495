// The status pages, made at most once a second however many ask.

internal import DirectoryService
internal import Foundation
internal import WireFormat

/// Makes pages from what the authority knows.
actor HealthPages {
    /// How long a report is shown, real time.
    private static let lifetime = Duration.seconds(1)

    private let facts: @Sendable () async -> HealthFacts
    private var report: HealthReport?
    private var made = ContinuousClock.now
    private var making: Task<HealthReport, Never>?

    init(facts: @escaping @Sendable () async -> HealthFacts) { self.facts = facts }

    /// The page at a path without its first slash; nil if there is none.
    func page(_ path: String) async -> ServedDocument? {
        guard let answer = HealthPage.answer("/" + path, report: await current()) else { return nil }
        return ServedDocument(
            Array(answer.body.utf8), answer.contentType.hasPrefix("text/html") ? .html : .json, lifetime: .none)
    }

    /// `/slots`: the last slots for programs.
    func slots() async -> ServedDocument? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(await current().slots) else { return nil }
        return ServedDocument(Array(data), .json, lifetime: .none)
    }

    /// The report, at most a second old.
    func current() async -> HealthReport {
        if let report, made.duration(to: .now) < Self.lifetime { return report }
        if let making { return await making.value }
        let facts = facts
        let task = Task { HealthReport.make(await facts()) }
        making = task
        let fresh = await task.value
        report = fresh
        made = .now
        making = nil
        return fresh
    }
}
