// `report`: what is known of the nodes now, from the database, and how the signed report stands with the authorities.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Measurement
internal import MixCrypto
internal import Spool
internal import WireFormat

extension PingerCommands {
    /// `report`: a table, or JSON. Also beside a running pinger, of which nothing is changed.
    /// - Throws: `CommandFailure` of the code `temporary` if nothing can be said now, after what was known when it could.
    public func report(configuration path: String, json: Bool) async throws {
        let place = try PingerPlace(configuration: path)
        defer { place.store.close() }
        let (facts, silence) = try place.look()
        if json {
            try terminal.write(bytes: Array(MeasurementsJSON(facts: facts).text.utf8))
        } else {
            for line in ReportText(facts: facts, publication: place.publication).lines { try terminal.print(line) }
        }
        if let silence {
            throw CommandFailure("nothing is said of the nodes now: \(silence)", code: .temporary)
        }
    }

    /// `report --upload`: gives the last report that was made to all authorities now.
    /// - Throws: `CommandFailure`: `refused` if an authority does not want it, else `temporary` if one was not reached.
    public func uploadReport(configuration path: String, json: Bool) async throws {
        let settings = try PingerSettings(configuration: path)
        let upload = ReportUpload(settings)
        try await uploadReport(settings, json: json) { await upload($0, $1) }
    }

    func uploadReport(_ settings: PingerSettings, json: Bool, _ upload: @escaping ReportPublisher.Upload) async throws {
        let files = PingerFiles(directory: settings.dataDirectory)
        let root = try NetworkKeeper.root(settings.keeping)
        let now = settings.clock.now()
        let report = try Self.lastReport(files, root, at: now)
        let authorities = root.authorities.filter { !$0.urls.isEmpty }
        guard !authorities.isEmpty else {
            throw CommandFailure("no authority of the network \(root.name) can be reached by HTTP", code: .usage)
        }
        let sink = terminal
        let outcomes = await withTaskGroup { group in
            for authority in authorities {
                group.addTask { (authority.name.text, await upload(authority, report.bytes)) }
            }
            var outcomes: [(name: String, outcome: PublicationOutcome)] = []
            for await (name, outcome) in group {
                sink.progress("\(outcomes.count + 1) of \(authorities.count) authorities")
                outcomes.append((name, outcome))
            }
            return outcomes.sorted { $0.name < $1.name }
        }
        terminal.clearProgress()
        if json {
            try print(json: UploadedReport(report, outcomes))
        } else {
            try terminal.print("report of \(report.published) on \(report.nodes.count) nodes, \(report.digest.hex)")
            for (name, outcome) in outcomes { try terminal.print("\(name) \(outcome.words)") }
        }
        if outcomes.contains(where: { if case .refused = $0.outcome { true } else { false } }) {
            throw CommandFailure(
                "not every authority takes the report: ask those who run them to name this pinger in [pingers]",
                code: .refused)
        }
        if outcomes.contains(where: { $0.outcome != .taken }) {
            throw CommandFailure("not every authority has the report; try again later", code: .temporary)
        }
    }

    /// The report on disk, if authorities could count it still.
    private static func lastReport(
        _ files: PingerFiles, _ root: NetworkFile, at now: Timestamp
    ) throws -> MeasurementReport {
        guard FileManager.default.fileExists(atPath: files.report) else {
            let record = (try? AtomicFile.read(files.publication, limit: PublicationRecord.maximumSize))
                .flatMap(PublicationRecord.init)
            let reason =
                record?.silence.map { ", because \($0.words)" } ?? "; `nightjar-pinger report` says what is known"
            throw CommandFailure("no report has been made yet\(reason)", code: .temporary)
        }
        let key = try files.loadKey().verificationKey
        guard let report = LastReport(path: files.report).read(key: key, network: root) else {
            throw CommandFailure(
                "\(files.report) is not a report that this pinger signed; the running pinger makes a new one",
                code: .temporary)
        }
        guard LastReport.isUsable(report, at: now) else {
            throw CommandFailure(
                "the last report is of \(report.published), which no authority counts any more; the running pinger makes a new one",
                code: .temporary)
        }
        return report
    }
}

/// The answer of `report --upload --json`.
private struct UploadedReport: Encodable {
    struct Answer: Encodable {
        var authority: String
        var outcome: String
        var words: String
    }
    var report: String
    var published: String
    var nodes: Int
    var authorities: [Answer]

    init(_ report: MeasurementReport, _ outcomes: [(name: String, outcome: PublicationOutcome)]) {
        self.report = report.digest.hex
        published = report.published.description
        nodes = report.nodes.count
        authorities = outcomes.map { Answer(authority: $0.name, outcome: $0.outcome.label, words: $0.outcome.words) }
    }
}
