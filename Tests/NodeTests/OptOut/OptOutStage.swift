import Directory
import Exits
import Foundation
import MixCrypto
import Spool
import Synchronization
import TestSupport
import WireFormat

@testable import NodeProgram

/// A door with its lists, the real store of records, a clock that the test sets, and a mail server that keeps what it gets.
final class OptOutStage {
    static let start = Timestamp(seconds: 1_795_242_600)
    static let domain = "reply.exit.example"
    static let key = SymmetricSecret(copying: [UInt8](repeating: 5, count: 32))

    let directory: TemporaryDirectory
    let clock = TestTime(OptOutStage.start)
    let counts = TestCounts()
    let outbox = Outbox()
    /// Whether the statements of the network are here.
    let isReady = Readiness()
    let identity: SigningKey
    let list = OptOutList(network: "testing")
    private(set) var records: RecordStore
    private(set) var desk: OptOutDesk
    private(set) var door: OptOutDoor

    init(limits: OptOutLimits = OptOutLimits()) throws {
        directory = try TemporaryDirectory("nightjar-opt-outs")
        var seed = [UInt8](repeating: 9, count: 32)
        identity = try SigningKey(seed: SecretBytes(moving: &seed))
        records = try RecordStore.open(path: directory.file("records.sqlite"), key: Self.key)
        desk = try Self.desk(records, list, identity, directory, clock, counts, isReady)
        door = try Self.door(desk, identity, clock, counts, outbox, limits)
    }

    private static func desk(
        _ records: RecordStore, _ list: OptOutList, _ identity: SigningKey, _ directory: TemporaryDirectory,
        _ clock: TestTime, _ counts: TestCounts, _ isReady: Readiness
    ) throws -> OptOutDesk {
        let statement = OwnStatement(
            path: directory.file("opt-outs"), network: "testing", identity: identity, pause: .minutes(5))
        return try OptOutDesk(
            records: records, list: list, statement: statement, linkKey: key, domain: domain, clock: { clock.now },
            count: { counts.add($0, 1) }, isReady: { isReady.value })
    }

    private static func door(
        _ desk: OptOutDesk, _ identity: SigningKey, _ clock: TestTime, _ counts: TestCounts, _ outbox: Outbox,
        _ limits: OptOutLimits
    ) throws -> OptOutDoor {
        let exit = ExitIdentity(
            address: try MailRecipient("anonymous@exit.example"), complaints: try MailRecipient("abuse@exit.example"))
        return OptOutDoor(
            desk,
            OptOutDoor.Surroundings(
                domain: domain, mail: ConfirmationMail(identity: exit, domain: domain, network: "testing"),
                send: { outbox.take($0) }, describe: { "node-\($0.hex.prefix(4))" },
                node: identity.verificationKey.nodeID, clock: { clock.now }, count: { counts.add($0, 1) }),
            limits: limits)
    }

    /// As a new process does.
    /// - Parameter losing: whether the store of records was lost.
    func restart(losing: Bool = false, limits: OptOutLimits = OptOutLimits()) throws {
        desk.drain()
        records.close()
        if losing {
            for end in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: directory.file("records.sqlite" + end))
            }
        }
        do throws(SpoolError) {
            records = try RecordStore.open(path: directory.file("records.sqlite"), key: Self.key)
        } catch {
            // What is left of it was set aside.
            records = try RecordStore.open(path: directory.file("records.sqlite"), key: Self.key)
        }
        desk = try Self.desk(records, list, identity, directory, clock, counts, isReady)
        door = try Self.door(desk, identity, clock, counts, outbox, limits)
    }

    /// A mail to `user` at the door: what check says if it does not take it, else what comes of the mail.
    @discardableResult
    func write(
        to user: String, from: String = "Ada <ada@example.org>", sender: String = "ada@example.org", head: String = "",
        body: String = "please"
    ) -> LMTPReply {
        let address = user.contains("@") ? user : "\(user)@\(Self.domain)"
        guard let checked = door.check(recipient: address) else { return LMTPReply(0, nil, "not the door's") }
        guard checked.isPositive else { return checked }
        let text = "Received: from x by y\r\nFrom: \(from)\r\nTo: \(address)\r\nSubject: stop\r\n\(head)\r\n\(body)\r\n"
        let mail = LMTPMail(sender: sender, recipients: [address], content: Array(text.utf8))
        return door.deliver(mail, to: address) ?? LMTPReply(0, nil, "not the door's")
    }

    func declines(_ address: String) throws -> Bool { desk.wishes.declines(try MailRecipient(address)) ?? false }
}

final class Readiness: Sendable {
    private let state = Mutex(true)
    var value: Bool { state.withLock { $0 } }
    func set(_ value: Bool) { state.withLock { $0 = value } }
}

/// A mail server that keeps mails and answers as it is told.
final class Outbox: Sendable {
    private struct State {
        var mails: [SMTPMail] = []
        var outcome = ExitOutcome.delivered(code: 250)
    }
    private let state = Mutex(State())

    func take(_ mail: SMTPMail) -> ExitOutcome {
        state.withLock { state in
            if case .delivered = state.outcome { state.mails.append(mail) }
            return state.outcome
        }
    }

    func answer(_ outcome: ExitOutcome) { state.withLock { $0.outcome = outcome } }
    var count: Int { state.withLock { $0.mails.count } }

    /// Takes the mails that came since the last call: recipient and text.
    func mails() throws -> [(to: String, sender: MailRecipient?, text: String)] {
        let mails = state.withLock { state in
            defer { state.mails = [] }
            return state.mails
        }
        return try mails.map { mail in
            var body: [UInt8] = []
            let read = try mail.body.open()
            while let piece = try read() { body += piece }
            let to = mail.envelope.recipients.map(\.address).joined(separator: ",")
            return (to, mail.envelope.sender, String(decoding: mail.head + body, as: UTF8.self))
        }
    }

    /// The user part of the confirmation address in the one mail that came.
    func confirmation() throws -> String {
        let all = try mails()
        guard all.count == 1, let found = all[0].text.firstMatch(of: /Reply-To: (confirm\+[a-z2-7]{32})@/) else {
            throw Missing(count: all.count)
        }
        return String(found.1)
    }

    struct Missing: Error { let count: Int }
}
