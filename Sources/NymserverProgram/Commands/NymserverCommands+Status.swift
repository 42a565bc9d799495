// `status`: what a nymserver holds, beside a running one or without. Figures alone: no name, no address.

internal import Daemon
internal import Foundation
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What `status` tells.
struct NymserverStatus: Encodable, Hashable {
    var domain: String
    var running: Bool
    var accounts: Int
    /// Mails and notices that wait.
    var items: Int
    var blocks: Int
    /// Packets that the spool does not have yet.
    var packets: Int
    /// Mails that nyms send.
    var mails: Int
    /// Nyms that the operator has closed, ever.
    var closures: Int
    /// Seconds by which the next slot is late; 0 if none is.
    var lateSeconds: Int
    /// Seconds by which the next mail to send is late; nil without mails.
    var oldestMailSeconds: Int?
}

extension NymserverCommands {
    /// `status`: exit code 0, or 3 if the server does not run or is late.
    public func status(configuration path: String, json: Bool) throws {
        let settings = try NymserverSettings(configuration: path)
        let files = settings.files
        guard FileManager.default.fileExists(atPath: files.database) else {
            throw CommandFailure(
                "there is no database yet in \(settings.dataDirectory); start the server with `nightjar-nymserver run`",
                code: .temporary)
        }
        let keys = try files.loadKeys()
        let status: NymserverStatus
        do throws(NymStoreError) {
            let store = try NymStore.openForReading(path: files.database, key: keys.database)
            defer { store.close() }
            let (counts, now) = (try store.counts(), settings.clock.now())
            func late(_ time: Timestamp?) -> Int? { time.map { max(0, Int((now - $0).inSeconds)) } }
            status = NymserverStatus(
                domain: settings.domain, running: files.isRunning, accounts: counts.accounts, items: counts.items,
                blocks: counts.blocks, packets: counts.packets, mails: counts.mails, closures: try store.closures(),
                lateSeconds: late(try store.nextSlot()) ?? 0, oldestMailSeconds: late(try store.nextMail()))
        } catch {
            throw CommandFailure(error.description, code: error.isTemporary ? .temporary : .failed)
        }
        if json {
            try print(json: status)
        } else {
            for line in status.lines { try terminal.print(line) }
        }
        guard status.running else {
            throw CommandFailure("the server does not run; start it with `nightjar-nymserver run`", code: .temporary)
        }
    }
}

extension NymserverStatus {
    /// For people.
    var lines: [String] {
        [
            "domain \(domain)\(running ? "" : " (does not run)")", "nyms \(accounts)",
            "mails and notices that wait for them \(items)", "reply blocks in stock \(blocks)",
            "mails to send \(mails)" + (oldestMailSeconds.map { $0 > 0 ? ", late by \($0) s" : "" } ?? ""),
            "packets on their way to the spool \(packets)", "nyms closed by you \(closures)",
        ]
            + (lateSeconds > 60
                ? ["slots are late by \(lateSeconds) s: is there a consensus, and room on the disk?"] : [])
    }
}
