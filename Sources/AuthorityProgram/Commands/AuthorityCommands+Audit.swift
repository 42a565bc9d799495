// `audit`: anybody can check that consensuses are what the votes say.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool
internal import WireFormat

/// What an audit is told.
public struct AuditRequest: Sendable {
    /// An authority or a mirror.
    public var url: String?
    /// Files of a mirror.
    public var directory: String?
    /// File of the network; nil takes the one of the configuration.
    public var network: String?
    public var last: Int
    public var json: Bool

    public init(url: String?, directory: String?, network: String?, last: Int, json: Bool) {
        self.url = url
        self.directory = directory
        self.network = network
        self.last = last
        self.json = json
    }
}

/// An audited consensus as JSON.
private struct AuditReport: Encodable {
    var slot: UInt64
    var digest: String?
    var signers: [String]
    var votes: Int
    var verdict: String
    var problem: String?

    init(_ audited: AuditedConsensus) {
        slot = audited.slot.number
        digest = audited.digest?.hex
        signers = audited.signers.map(\.text)
        votes = audited.votes
        switch audited.finding {
        case .identical: verdict = "identical"
        case .wrong(let text): (verdict, problem) = ("differs", text)
        case .unavailable(let text): (verdict, problem) = ("unavailable", text)
        }
    }
}

extension AuthorityCommands {
    /// Most consensuses of an audit.
    public static let longestAudit = 100_000

    /// `audit`: exit codes 0 all are what their votes say, 1 one is not, 3 something could not be had.
    public func audit(_ request: AuditRequest, configuration: String) async throws {
        guard (1...Self.longestAudit).contains(request.last) else {
            throw CommandFailure("--last takes 1 to \(Self.longestAudit)", code: .usage)
        }
        let network = try NetworkDocument.installed(
            request.network ?? AuthoritySettings(configuration: configuration).networkFile)
        let source = try auditSource(request, configuration: configuration)
        var audited: [AuditedConsensus] = []
        var failure: (any Error)?
        do {
            var audit = Audit(source: source, network: network)
            try await audit.run(request.last) { result in
                audited.append(result)
                terminal.progress("audit: slot \(result.slot), \(audited.count) of at most \(request.last)")
                guard !request.json else { return }
                if let problem = AuditReport(result).problem { terminal.message("slot \(result.slot): \(problem)") }
            }
        } catch { failure = error }
        if let failure {
            throw CommandFailure("no consensus could be had from \(source.name): \(failure)", code: .temporary)
        }
        if request.json { try print(json: audited.map(AuditReport.init)) }
        try conclude(audited, json: request.json)
    }

    private func conclude(_ audited: [AuditedConsensus], json: Bool) throws {
        var (wrong, unavailable) = (0, 0)
        for result in audited {
            switch result.finding {
            case .identical: break
            case .wrong: wrong += 1
            case .unavailable: unavailable += 1
            }
        }
        let good = audited.count - wrong - unavailable
        let span = audited.last.flatMap { last in
            audited.first.map { $0.slot == last.slot ? "slot \($0.slot)" : "slots \(last.slot) to \($0.slot)" }
        }
        let summary =
            "\(span ?? "nothing"): \(good) of \(audited.count) consensuses are what their votes say, byte for byte"
        if !json { try terminal.print(summary) }
        if wrong > 0 {
            throw CommandFailure(
                "\(wrong) of \(audited.count) consensuses are not what they must be: ask those who signed them")
        }
        if unavailable > 0 {
            throw CommandFailure(
                "\(unavailable) of \(audited.count) could not be checked; try another source", code: .temporary)
        }
    }

    private func auditSource(
        _ request: AuditRequest, configuration: String
    ) throws -> any AuditSource {
        switch (request.url, request.directory) {
        case (_?, _?): throw CommandFailure("give --url or --directory, not both", code: .usage)
        case (let url?, nil):
            do throws(FetchError) { return try HTTPSource(url: url, client: DirectoryHTTPClient()) } catch {
                throw CommandFailure("--url \(url): \(error)", code: .usage)
            }
        case (nil, let directory?):
            guard FileManager.default.fileExists(atPath: directory) else {
                throw CommandFailure("there is no directory \(directory)", code: .usage)
            }
            return AuditFolder(name: directory)
        case (nil, nil):
            let settings = try AuthoritySettings(configuration: configuration)
            return AuditStore(store: try Self.openForReading(settings))
        }
    }

    /// The authority's database for reading, also while the authority runs.
    static func openForReading(_ settings: AuthoritySettings) throws -> AuthorityStore {
        let path = AuthorityFiles(directory: settings.dataDirectory).database
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("there is no database at \(path): this authority has never run")
        }
        return try AuthorityStore.openForReading(path: path)
    }
}
