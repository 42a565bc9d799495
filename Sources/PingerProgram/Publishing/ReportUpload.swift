// How the publisher and the rounds get what they need in a running pinger.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Measurement
internal import WireFormat

/// Gives reports to authorities by HTTP.
struct ReportUpload: Sendable {
    private let sender: PeerSender
    /// How many times faster than real time the network's clock runs.
    private let scale: Double

    init(_ settings: PingerSettings) {
        var timeouts = DirectoryHTTPClient.Timeouts()
        timeouts.connect = .milliseconds(settings.connectTimeout.milliseconds)
        sender = PeerSender(client: DirectoryHTTPClient(proxy: settings.directory.proxy, timeouts: timeouts))
        scale = settings.timeScale
    }

    func callAsFunction(_ authority: Authority, _ report: [UInt8]) async -> PublicationOutcome {
        PublicationOutcome(await sender.post(report, as: .report, to: authority.urls), scale: scale)
    }
}

extension ReportPublisher {
    /// That of a running pinger.
    convenience init(parts: PingerParts) {
        let upload = ReportUpload(parts.settings)
        self.init(
            settings: parts.settings, files: parts.files, key: parts.key, network: parts.newestNetwork,
            clock: parts.clock, logger: parts.logger, health: parts.counters.health,
            upload: { await upload($0, $1) })
    }
}

extension AnalysisRounds {
    /// Those of a running pinger.
    convenience init(
        parts: PingerParts, publisher: ReportPublisher, onAnalysis: @escaping @Sendable (Analysis) -> Void = { _ in }
    ) {
        self.init(
            Surroundings(
                settings: parts.settings, files: parts.files, clock: parts.clock, logger: parts.logger,
                health: parts.counters.health, store: parts.store, network: parts.newestNetwork,
                watch: { parts.watch.current },
                onAnalysis: { analysis in
                    parts.planner.note(analysis)
                    onAnalysis(analysis)
                }),
            publisher: publisher)
    }
}
