// `check-config`: everything that a nymserver needs in order to start, without starting it.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Exits
internal import Foundation

extension NymserverCommands {
    /// `check-config`: the first thing that is wrong ends it; what is only unwise is told as a warning.
    public func checkConfig(_ path: String) throws {
        let settings = try NymserverSettings(configuration: path)
        try ScaledClock.checkPlausible(now)
        guard FileManager.default.fileExists(atPath: settings.dataDirectory) else {
            throw CommandFailure(
                "\(settings.dataDirectory) is not there; run `nightjar-nymserver init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        _ = try settings.files.loadKeys()
        do throws(SMTPSettingsError) { _ = try SMTPClient(settings: settings.smtp) } catch {
            throw CommandFailure("[smtp]: \(error)", code: .usage)
        }
        let root = try NetworkKeeper.root(settings.keeping)
        guard settings.timeScale == 1 || root.isTest else {
            throw CommandFailure("[test] is for test networks; \(root.name) is none: take time-scale out")
        }
        for address in [settings.lmtp, settings.policyListen].compactMap(\.self) {
            guard case .socket(let path) = address else { continue }
            let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
            if !FileManager.default.isWritableFile(atPath: directory) {
                terminal.message(
                    "warning: \(directory) is not there or cannot be written; the socket \(path) goes there")
            }
        }
        if settings.directory.sources.isEmpty, root.directoryURLs.isEmpty {
            terminal.message("warning: the network file names no place for the consensus, and there are no sources")
        }
        if settings.policyListen == nil {
            terminal.message(
                "warning: without policy-listen the mail server takes mail that cannot be kept, and bounces it to whoever it says it is from"
            )
        }
        try terminal.print("\(path) is good")
    }
}
