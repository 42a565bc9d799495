// `nightjar check-config`: what client.toml says, held against the networks that are installed.

internal import Daemon
internal import Directory
internal import WireFormat

extension Client {
    private struct ConfigReport: Encodable {
        var file: String
        /// Without one every setting has its default.
        var isThere: Bool
        /// Settings that will not work as they stand.
        var problems: [String] = []
    }

    /// Says whether the settings are good. That they are well-formed is known already: no command starts otherwise.
    /// - Throws: `CommandFailure` of code `usage` if something in them cannot work.
    public func checkConfig(json: Bool) throws {
        var report = ConfigReport(file: places.configuration, isThere: ClientPlaces.isThere(places.configuration))
        report.problems = try configProblems()
        if json { try terminal.print(JSONText.encode(report)) }
        guard report.problems.isEmpty else {
            throw CommandFailure(
                report.problems.map { "\(report.file): \($0)" }.joined(separator: "\n"), code: .usage)
        }
        if !json {
            try terminal.print(
                report.isThere
                    ? "\(report.file) is good" : "there is no \(report.file); every setting has its default")
        }
    }

    private func configProblems() throws -> [String] {
        var problems: [String] = []
        let installed = try store.names()
        if let name = config.network, !installed.contains(name) {
            problems.append("network = \"\(name)\": no network of this name is installed; see `nightjar network list`")
        }
        problems += gatewayProblems()
        var networks: [Network] = []
        for name in config.network.map({ [$0] }) ?? installed where installed.contains(name) {
            // What is wrong with a network file is said by the commands that use it.
            if let network = try? store.load(name) { networks.append(network) }
        }
        guard !networks.isEmpty else { return problems }
        for (setting, names) in [
            ("blocked-nodes", config.blockedNodes), ("blocked-entries", config.blockedEntries),
            ("blocked-exits", config.blockedExits),
        ] {
            for name in names where !networks.contains(where: { $0.node(named: name) != nil }) {
                problems.append("\(setting): no network that is installed has a node \(Printable.text(name))")
            }
        }
        for network in networks {
            var generator = SystemRandomNumberGenerator()
            let planner = PacketPlanner(network: network, options: options(in: network), now: time.clock.now())
            do throws(PathError) {
                _ = try planner.path(for: nil, using: &generator)
            } catch {
                problems.append("path, in the network \(network.name): \(error)")
            }
        }
        return problems
    }
}
