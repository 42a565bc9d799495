// `nightjar decode`: what came by mail, or lies in files.

internal import Daemon
internal import Messages
internal import Spool
internal import WireFormat

/// What `nightjar decode` is asked for.
public struct DecodeRequest: Sendable {
    /// Files; `-` is standard input.
    public var files: [String] = []
    /// Maildirs, every mail of which is looked at.
    public var maildirs: [String] = []
    /// Where the keyring's passphrase comes from.
    public var passphrase = PassphraseSource.terminal

    public init() {}
}

/// A thing that was found and is no message.
public struct DecodeProblem: Sendable {
    /// The file it was found in.
    public let source: String
    /// Which of the blocks in it, from 1.
    public let number: Int
    public let error: InboxError
}

/// What `decode` came to.
public struct DecodeReport: Sendable {
    /// Messages that are complete, each once, in the order in which they were found. They count as read when
    /// `markRead` says so.
    public var messages: [ReceivedMessage] = []
    /// Messages that parts were found of and that are still incomplete.
    public var incomplete: [IncompleteMessage] = []
    /// Receipts found; the sent messages' states are up to date.
    public var receipts = 0
    public var problems: [DecodeProblem] = []
    /// Sources and blocks of answers that came through a reply block which something else had come through before.
    public var secondAnswers: [DecodeProblem] = []
    /// Things found, whatever they were.
    public var found = 0
}

extension Client {
    /// Takes in everything found in files and Maildirs. Parts of one message may lie in different files and come at
    /// different times; they are kept for 60 days. Doing it again changes nothing.
    /// - Throws: `CommandFailure` and other errors for people if something cannot be read or stored; what was taken in
    ///   before stays.
    public func decode(_ request: DecodeRequest) async throws -> DecodeReport {
        var sources = request.files.map { MessageSource($0) }
        for maildir in request.maildirs { sources += try MessageSource.mails(inMaildir: maildir) }
        let keyring = try Keyring.open(self, passphrase: request.passphrase)
        let records = try records()
        defer { records.close() }
        let inbox = try await openInbox(records)
        defer { inbox.close() }
        var report = DecodeReport()
        var complete: [MessageID] = []
        var incomplete: [MessageID] = []
        for source in sources {
            var number = 0
            try source.scan { thing in
                number += 1
                report.found += 1
                func note(_ error: InboxError) -> DecodeProblem {
                    DecodeProblem(source: source.name, number: number, error: error)
                }
                let taken = try Self.take(thing, into: inbox, keyring)
                if taken.isSecondAnswer { report.secondAnswers.append(note(.wrongWay("a second answer"))) }
                switch taken.outcome {
                case .message(let name), .known(let name): if !complete.contains(name) { complete.append(name) }
                case .part(let name, _, _): if !incomplete.contains(name) { incomplete.append(name) }
                case .receipt: report.receipts += 1
                case .refused(let error): report.problems.append(note(error))
                }
            }
        }
        try collect(complete, inbox, into: &report)
        report.incomplete = try incomplete.compactMap { try inbox.incomplete($0) }
        return report
    }

    private static func take(_ thing: FoundMessage, into inbox: Inbox, _ keyring: Keyring) throws -> Taken {
        switch thing {
        case .message(.reply(let record)): try inbox.take(record, keys: keyring, again: true)
        case .message(.sealedMail(let sealed)): try inbox.take(sealedMail: sealed, keys: keyring)
        case .message(.message(let bytes)): try inbox.take(message: bytes, keys: keyring)
        case .damaged: Taken(outcome: .refused(.damaged))
        case .newer: Taken(outcome: .refused(.malformed("it is of a newer version; update nightjar")))
        }
    }

    private func collect(_ names: [MessageID], _ inbox: Inbox, into report: inout DecodeReport) throws {
        for name in names {
            guard let record = try inbox.store.record(name) else {
                // Given up before it was complete.
                report.problems.append(DecodeProblem(source: "", number: 0, error: .givenUp))
                continue
            }
            switch record.kind {
            case .receipt: report.receipts += 1
            case .statusQuery, .nym: break
            case .rfc5322, .raw:
                do {
                    report.messages.append(try inbox.store.message(name, record))
                } catch let error as InboxError {
                    report.problems.append(DecodeProblem(source: "", number: 0, error: error))
                }
            }
        }
    }

    /// Marks messages as read: call it when they were shown or stored, so that a crash before loses nothing. They are
    /// deleted from the inbox after `keep-read`.
    public func markRead(_ messages: [ReceivedMessage]) throws {
        guard !messages.isEmpty else { return }
        let records = try records()
        defer { records.close() }
        try received(records).markRead(messages.map(\.id), keep: config.inbox.keepRead, now: time.clock.now())
    }
}
