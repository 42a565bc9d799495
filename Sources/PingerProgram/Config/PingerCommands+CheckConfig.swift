// `check-config`: everything that a pinger needs in order to start, without starting it.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import WireFormat

extension PingerCommands {
    /// `check-config`: the first thing that is wrong ends it; what is only unwise is told as a warning.
    public func checkConfig(_ path: String) throws {
        let settings = try PingerSettings(configuration: path)
        try ScaledClock.checkPlausible(now)
        guard FileManager.default.fileExists(atPath: settings.dataDirectory) else {
            throw CommandFailure("\(settings.dataDirectory) is not there; run `nightjar-pinger init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        let files = PingerFiles(directory: settings.dataDirectory)
        _ = try files.loadKey()
        _ = try files.loadIdentity()
        let root = try NetworkKeeper.root(settings.keeping)
        guard settings.timeScale == 1 || root.isTest else {
            throw CommandFailure("[test] is for test networks; \(root.name) is none: take time-scale out")
        }
        if let directory = settings.outputDirectory, !FileManager.default.isWritableFile(atPath: directory) {
            throw CommandFailure("output-directory \(directory) is not there, or cannot be written; make it first")
        }
        if let maildir = settings.deliveries?.maildir, !MaildirReader.isThere(maildir) {
            throw CommandFailure(
                "the maildir \(maildir) is not there, or cannot be read; it needs the directories new and cur")
        }
        if settings.directory.sources.isEmpty, root.directoryURLs.isEmpty {
            terminal.message("warning: the network file names no place for the consensus, and there are no sources")
        }
        if root.authorities.isEmpty || !settings.publishesReports {
            terminal.message("warning: reports go nowhere; pages and tables are all that is made")
        }
        try terminal.print("\(path) is good")
    }
}
