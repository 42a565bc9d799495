// The network's parameters come into force when a node starts. One that started before it knew them, or before they changed, says
// so until it is started again: in the log, in its health and, by a file, in `nightjar-node status`.

internal import Daemon
internal import Directory
internal import Logging
internal import Synchronization

/// What a running node works with, against what the network has now.
final class ParametersInForce: Sendable {
    /// For people who look at health or status.
    static let trouble = "the network's parameters are not those of this node's start; start it again"

    private let parameters: NetworkParameters
    private let files: NodeFiles
    private let health: Health
    private let logger: Logger
    private let isOutdated = Mutex(false)

    init(_ parameters: NetworkParameters, files: NodeFiles, health: Health, logger: Logger) {
        self.parameters = parameters
        self.files = files
        self.health = health
        self.logger = logger
        try? AtomicFile.remove(files.outdated)
    }

    /// Tells when the network's parameters become others than those in force, and when they are the same again.
    func compare(_ network: Network) {
        let isNow = network.parameters != parameters
        let isNews = isOutdated.withLock { isOutdated in
            defer { isOutdated = isNow }
            return isOutdated != isNow
        }
        guard isNews else { return }
        health.set("parameters", trouble: isNow ? Self.trouble : nil)
        if isNow { logger.warning("\(Self.trouble) soon") }
        // Only a report: the log and the health say it too.
        if isNow {
            try? AtomicFile.write(text: "", to: files.outdated)
        } else {
            try? AtomicFile.remove(files.outdated)
        }
    }
}
