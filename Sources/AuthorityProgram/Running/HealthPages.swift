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
    /// `/health.json` of that report: with many pingers and nodes it is megabytes.
    private var json: ServedDocument?
    private var made = ContinuousClock.now
    private var making: Task<HealthReport, Never>?

    init(facts: @escaping @Sendable () async -> HealthFacts) { self.facts = facts }

    /// The page at a path without its first slash; nil if there is none.
    func page(_ path: String) async -> ServedDocument? {
        let report = await current()
        let isHTML = path != "health.json"
        if !isHTML, let json { return json }
        guard let answer = HealthPage.answer("/" + path, report: report) else { return nil }
        let document = ServedDocument(Array(answer.body.utf8), isHTML ? .html : .json, lifetime: .none)
        if !isHTML { json = document }
        return document
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
        json = nil
        made = .now
        making = nil
        return fresh
    }
}
