// `nightjar nym list` and `nym status`: what is known here, without asking anybody.

internal import Daemon
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// A mail that waits at the server, as JSON.
private struct HeldMail: Encodable {
    var item: UInt64
    var from: String
    var subject: String
    var size: Int
    var day: String
    /// Whether it was asked for.
    var isWanted: Bool
    /// Bytes of it that have come.
    var held: Int?
}

extension Client {
    /// Shows all nyms.
    public func listNyms(passphrase: PassphraseSource, json: Bool) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let now = time.clock.now()
        let nyms = try keyring.nyms().map { NymSummary($0, try book.state($0.address), now: now) }
        if json { return try terminal.print(JSONText.encode(nyms)) }
        guard !nyms.isEmpty else {
            return try terminal.print("no nyms; make one with `nightjar nym create name@domain`")
        }
        var table = TextTable(["NYM", "NETWORK", "STATE", "HEARD", "STOCK", "HELD"])
        for nym in nyms {
            table.add([
                nym.address, nym.network, nym.stage + nym.role, nym.heard ?? "never",
                nym.isLinked ? "-" : "\(nym.stock)/\(nym.stockWanted)", nym.heldItems.map(String.init) ?? "-",
            ])
        }
        for line in table.lines { try terminal.print(line) }
        for nym in nyms { for warning in nym.warnings { note("\(nym.address): \(warning)") } }
    }

    /// Shows the mails of a nym that wait at its server: those of which only a synopsis has come.
    public func listNymMails(_ text: String, passphrase: PassphraseSource, json: Bool) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let nym = try nym(text, keyring: keyring, book: book).nym
        guard let state = try book.state(nym.address) else { throw NymClientError.unknown(nym.address) }
        let progress = try book.progress(of: nym.address)
        let mails = state.synopses.map { synopsis in
            HeldMail(
                item: synopsis.item, from: synopsis.from, subject: synopsis.subject, size: Int(synopsis.size),
                day: NymSummary.day(synopsis.day), isWanted: synopsis.isWanted, held: progress[synopsis.item]?.held)
        }
        if json { return try terminal.print(JSONText.encode(mails)) }
        if mails.isEmpty {
            try terminal.print("no mail of \(nym.address) waits at the server, as far as is known")
        } else {
            var table = TextTable(["ITEM", "DAY", "SIZE", "FROM", "SUBJECT", ""])
            for mail in mails {
                table.add([
                    "\(mail.item)", mail.day, "\(mail.size)", Printable.text(mail.from), Printable.text(mail.subject),
                    mail.isWanted ? "asked for" : "",
                ])
            }
            for line in table.lines { try terminal.print(line) }
            note("have one sent with: nightjar nym get \(nym.address) ITEM")
        }
        let partial = progress.filter { number, _ in !mails.contains { $0.item == number } }
        for (number, part) in partial.sorted(by: { $0.key < $1.key }) {
            note("item \(number): \(part.held) of \(part.total) bytes have come")
        }
    }

    /// Shows how one nym stands, or all.
    public func showNymStatus(_ text: String?, passphrase: PassphraseSource, json: Bool) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let now = time.clock.now()
        let chosen = try text.map { [try nym($0, keyring: keyring, book: book).nym] } ?? keyring.nyms()
        let nyms = try chosen.map { nym in
            var summary = NymSummary(nym, try book.state(nym.address), now: now)
            if let network = try? network(nym.network), NymRequests.isDoubted(nym, network) {
                summary.warnings.append(
                    "nodes announce another key for \(nym.domain) than this nym was made with; they are not used. "
                        + "Ask the domain's operator which is right")
            }
            return summary
        }
        if json {
            if text != nil, let nym = nyms.first { return try terminal.print(JSONText.encode(nym)) }
            return try terminal.print(JSONText.encode(nyms))
        }
        guard !nyms.isEmpty else {
            return try terminal.print("no nyms; make one with `nightjar nym create name@domain`")
        }
        for (index, nym) in nyms.enumerated() {
            if index > 0 { try terminal.print("") }
            for line in nym.lines { try terminal.print(Printable.line(line)) }
        }
    }
}

extension NymSummary {
    /// Behind the state, where another device looks after it.
    fileprivate var role: String { replaced != nil ? " (taken over)" : isLinked ? " (linked)" : "" }

    /// For people.
    fileprivate var lines: [String] {
        var lines = ["nym        \(address)"]
        lines.append("state      \(stage)\(reason.map { ": \($0)" } ?? "")")
        if let replaced {
            lines.append("device     another one of yours has taken it over, as was told here on \(replaced)")
        } else if isLinked {
            lines.append("device     another one of yours looks after it and passes mail on")
        }
        if let devices { lines.append("devices    \(devices) of \(mostDevices) that its server remembers") }
        if !aliases.isEmpty { lines.append("aliases    \(aliases.joined(separator: ", "))") }
        lines.append("server key \(serverKey)")
        lines.append("packets    \(packetsPerCycle) in each cycle")
        lines.append("heard      \(heard ?? "nothing from its server yet")")
        if !isLinked, stockWanted > 0 {
            lines.append(
                "stock      about \(stock) of \(stockWanted) reply blocks"
                    + (stockUntil.map { ", the last good until \($0)" } ?? ""))
        }
        if let waitingItems, let heldItems {
            lines.append("mail       \(waitingItems) on the way, \(heldItems) held until they are asked for")
        }
        if let usedBytes, let quota, quota > 0 {
            lines.append("room       \(usedBytes >> 10) of \(quota >> 10) KiB used")
        }
        if let budget { lines.append("may send   \(Count.text(budget, "mail")) now") }
        if let closesOn { lines.append("until      \(closesOn), if its server hears nothing") }
        if openRequests > 0 { lines.append("requests   \(openRequests) without an answer yet") }
        if let lastChange { lines.append("change     \(lastChange)") }
        for mail in sent.suffix(10) {
            lines.append("sent \(mail.number)     to \(mail.to), \(mail.made): \(mail.text ?? "no answer yet")")
        }
        return lines + warnings.map { "warning: \($0)" }
    }
}
