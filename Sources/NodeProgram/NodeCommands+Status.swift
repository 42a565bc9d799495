internal import Daemon
internal import Foundation

extension NodeCommands {
    /// `status`: prints how the node stands with its network. Fails as temporary if something wants attention.
    public static func status(_ path: String, json: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let status = try NodeStatus(settings, now: settings.clock.now())
        let terminal = Terminal.standard
        if json {
            try terminal.print(status.json)
        } else {
            for line in status.lines { try terminal.print(line) }
        }
        if let trouble = status.trouble { throw CommandFailure(trouble, code: .temporary) }
    }

    /// `withdraw`: the node says that it leaves, or with `undo` that it stays after all. A running node notices within seconds.
    public static func withdraw(_ path: String, undo: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let files = NodeFiles(directory: settings.dataDirectory)
        let terminal = Terminal.standard
        guard FileManager.default.fileExists(atPath: files.identity) else {
            throw CommandFailure("\(settings.dataDirectory) holds no node")
        }
        guard settings.directory.publishes || undo else {
            throw CommandFailure(
                "[directory] publish is false, so the network would not hear of it; set it to true first", code: .usage)
        }
        if undo {
            try AtomicFile.remove(files.leaving)
            return terminal.message("the node stays; it says so in a new descriptor")
        }
        try AtomicFile.write(text: "", to: files.leaving)
        let isRunning = files.isRunning
        terminal.message(
            isRunning
                ? "the node tells the authorities that it leaves"
                : "the node will say so as soon as it runs; start it now")
        terminal.message(
            "keep it running until `nightjar-node status` says that it may be stopped: packets on their way still name it"
        )
    }
}
