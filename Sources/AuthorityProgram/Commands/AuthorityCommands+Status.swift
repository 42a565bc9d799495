// `status`: what the running authority says of itself, asked over its own HTTP.

internal import Daemon
internal import DirectoryService
internal import Foundation
internal import WireFormat

extension AuthorityCommands {
    /// `run`: until SIGTERM or SIGINT.
    public func run(configuration path: String) async throws {
        try await AuthorityService(settings: AuthoritySettings(configuration: path), path: path).run()
    }

    /// `status`: exit codes 0 all is well, 1 something is wrong or it does not run.
    public func status(configuration: String, json: Bool) async throws {
        let settings = try AuthoritySettings(configuration: configuration)
        let bytes = try await Self.ask(settings, "health.json")
        guard let report = try? JSONDecoder().decode(HealthReport.self, from: Data(bytes)) else {
            throw CommandFailure("what serves HTTP for this configuration is no authority of this version")
        }
        if json { try terminal.write(bytes: bytes) } else { try show(report) }
        guard report.state != .urgent else {
            throw CommandFailure("something must be done at once; see above, or the page")
        }
    }

    /// One page of the running authority.
    static func ask(_ settings: AuthoritySettings, _ page: String) async throws -> [UInt8] {
        let running = AuthorityFiles(directory: settings.dataDirectory).running
        guard let address = try address(running) else {
            throw CommandFailure("the authority \(settings.name) does not run")
        }
        let source = try HTTPSource(url: address, client: DirectoryHTTPClient())
        do throws(FetchError) { return try await source.bytes(.page(page), limit: 64 << 20) } catch {
            throw CommandFailure(
                "the authority \(settings.name) does not answer: \(error); look at its log", code: .temporary)
        }
    }

    /// Where it listens, as this machine reaches it; nil if it does not run. A process that was killed leaves its file.
    private static func address(_ running: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: running) else { return nil }
        let lines = String(decoding: try AtomicFile.read(running, limit: 4096), as: UTF8.self).split(separator: "\n")
        guard lines.count > 1, let process = Int32(lines[0]), kill(process, 0) == 0 || errno == EPERM else {
            return nil
        }
        return "http://"
            + lines[1].replacing("0.0.0.0:", with: "127.0.0.1:").replacing("[::]:", with: "[::1]:")
    }

    private func show(_ report: HealthReport) throws {
        var rows = [
            (label: "authority", value: "\(report.authority) of the network \(report.network.name)"),
            (label: "state", value: Self.words(report.state)),
            (label: "time", value: report.time.description),
        ]
        if let consensus = report.consensus {
            rows.append(
                (
                    label: "consensus",
                    value: "slot \(consensus.height), \(consensus.published), \(consensus.age.rawValue), signed by "
                        + consensus.signers.joined(separator: ", ")
                ))
        } else {
            rows.append((label: "consensus", value: "none yet"))
        }
        rows.append(
            (
                label: "nodes",
                value: "\(report.nodes.filter(\.isListed).count) listed of \(report.nodes.count) known"
            ))
        if !report.pingers.isEmpty {
            let heard = report.pingers.count { $0.published != nil && !$0.isSilent }
            rows.append(
                (label: "pingers", value: "\(heard) of \(report.pingers.count) reported in the last six hours"))
        }
        let closed = report.slots.filter { $0.state == .certified || $0.state == .failed }
        if !closed.isEmpty {
            let certified = closed.filter { $0.state == .certified }.count
            rows.append((label: "slots", value: "\(certified) of the last \(closed.count) certified"))
        }
        if let failed = closed.first(where: { $0.state == .failed }) {
            rows.append(
                (label: "last failed", value: "slot \(failed.slot), led by \(failed.leader): \(failed.reason ?? "?")"))
        }
        try print(rows)
        for warning in report.warnings {
            let advice = warning.advice.isEmpty ? "" : " \(warning.advice)"
            try terminal.print("\(warning.level.rawValue): \(warning.text)\(advice)")
        }
    }

    private static func words(_ state: HealthReport.State) -> String {
        switch state {
        case .well: "all is well"
        case .attend: "somebody should look at it"
        case .urgent: "something must be done at once"
        }
    }
}
