internal import Daemon
internal import Exits
internal import Foundation

extension ExitSettings {
    /// Looks at what the settings name on this machine: what cannot work is an error, what may come later a warning.
    func check(_ terminal: Terminal) throws {
        if let smtp { _ = try SMTPClient(settings: smtp) }
        for case .program(let program) in mailboxes?.targets ?? []
        where !FileManager.default.isExecutableFile(atPath: program.path) {
            throw CommandFailure(
                "\(program.path) of [[exit.mbox]] is not there or cannot be executed; check the path, and run this as the "
                    + "user that the node runs as")
        }
        for case .socket(let path) in lmtpServers where !FileManager.default.fileExists(atPath: path) {
            terminal.message("warning: there is no socket \(path); mail for it waits until its server runs")
        }
    }
}
