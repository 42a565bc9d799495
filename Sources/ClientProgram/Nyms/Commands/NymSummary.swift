// What people and programs are shown of a nym.

internal import MixCrypto
internal import NymProtocol
internal import WireFormat

/// How a nym stands; as JSON for programs.
struct NymSummary: Encodable, Sendable {
    struct Sent: Encodable, Sendable {
        var number: UInt64
        var made: String
        var to: String
        /// `accepted`, `declined` and so on; nil until the server has told.
        var result: String?
        var text: String?
    }

    var address: String
    var network: String
    var stage: String
    var reason: String?
    /// Whether another device of ours looks after it.
    var isLinked: Bool
    /// When another device has taken it over from this one.
    var replaced: String?
    /// Devices that its server remembers, and of how many.
    var devices: Int?
    var mostDevices: Int
    /// Fingerprint of the server's key, as it was when the nym was made.
    var serverKey: String
    var aliases: [String]
    var packetsPerCycle: Int
    /// When the server's last packet came.
    var heard: String?
    /// Reply blocks that the server has for all we know, and that it should have.
    var stock: Int
    var stockWanted: Int
    var stockUntil: String?
    /// Requests whose result has not come.
    var openRequests: Int
    var waitingItems: Int?
    var heldItems: Int?
    var usedBytes: UInt64?
    var quota: UInt64?
    /// Mails that may be sent now.
    var budget: Int?
    /// Day on which it ends without a command.
    var closesOn: String?
    var unreadable: Int
    var lastChange: String?
    var sent: [Sent]
    var warnings: [String]

    init(_ nym: OwnNym, _ state: NymState?, now: Timestamp) {
        address = nym.address
        network = nym.network
        serverKey = nym.server.fingerprint.description
        mostDevices = NymLimits.devices
        guard let state else {
            stage = "unknown"
            reason = "nothing is known of it here; take it over with: nightjar nym check \(nym.address) --renew"
            (isLinked, aliases, packetsPerCycle, stock, stockWanted) = (false, [], 0, 0, 0)
            (openRequests, unreadable, sent, warnings) = (0, 0, [], [])
            return
        }
        stage = "\(state.stage)"
        reason = state.reason.isEmpty ? nil : state.reason
        isLinked = !state.isPrimary
        replaced = state.replaced?.description
        devices = state.report.map { Int($0.devices) }
        aliases = state.aliases.map { "\($0)@\(nym.domain)" }
        packetsPerCycle = state.packets.packets
        heard = state.report?.heard.description
        let stock = NymStock(state, now: now)
        self.stock = stock.estimate
        stockWanted = stock.wanted
        stockUntil = state.report?.surbsUntil?.description
        openRequests = state.waiting.count
        waitingItems = state.report.map { Int($0.waitingItems) }
        heldItems = state.report.map { Int($0.heldItems) }
        usedBytes = state.report?.usedBytes
        quota = state.report?.quota
        budget = state.report.map { Int($0.budget) }
        closesOn = state.report.flatMap { $0.closesOn > 0 ? Self.day($0.closesOn) : nil }
        unreadable = Int(state.unreadable)
        lastChange = state.lastChange?.words
        sent = state.sent.map { mail in
            Sent(
                number: mail.number, made: mail.made.description, to: mail.recipients,
                result: mail.result.flatMap { NymResultCode(rawValue: $0.code).map { "\($0)" } },
                text: mail.result?.words)
        }
        warnings = state.warnings(now: now)
    }

    /// `2026-11-21`
    static func day(_ day: UInt32) -> String {
        String(NymTiming.start(ofDay: day).description.prefix { $0 != "T" })
    }
}

extension NymState {
    /// Days before its end at which the user is told.
    private static let daysLeft: UInt32 = 14
    /// So long it is told that another device has taken the nym over.
    private static let noticeTime = Interval.days(14)

    /// What the user should know, each with what to do.
    func warnings(now: Timestamp) -> [String] {
        switch stage {
        case .closed: return []
        case .refused: return ["its server did not give it: \(reason)"]
        case .closing: return []
        case .pending:
            if needsWork {
                return ["its server wants \(difficulty) bits of work; `nightjar run` or `nym check` does it"]
            }
            return now - created > .days(2)
                ? ["its server has not answered for two days; see that `nightjar run` runs"] : []
        case .active: break
        }
        if let replaced, now - replaced < Self.noticeTime {
            return [
                "another device of yours has taken it over, and its mail comes there; take it back with nightjar nym "
                    + "check NYM --renew, or forget it here: nightjar nym close NYM --local --yes"
            ]
        }
        guard isPrimary else { return [] }
        var warnings: [String] = []
        let stock = NymStock(self, now: now)
        if stock.silence >= NymStock.patience {
            let since = (report?.heard ?? created).description
            warnings.append(
                "its server has been silent since \(since); see that `nightjar run` runs and polls mailboxes. If "
                    + "another device of yours has taken the nym over, forget it here: nightjar nym close NYM "
                    + "--local --yes"
                    + (report == nil && renewed != nil
                        ? ". If it has had \(NymLimits.devices) devices, its server passes this one over until: "
                            + "nightjar nym rotate NYM" : ""))
        }
        if stock.isLow {
            warnings.append("its server is short of reply blocks; run `nightjar run`, or nightjar nym check")
        }
        // A new nym lives for three days until it says something more, which it does by itself.
        if let report, report.closesOn > 0, report.closesOn <= NymTiming.day(of: now) + Self.daysLeft,
            now - created > .days(2)
        {
            warnings.append(
                "it ends on \(NymSummary.day(report.closesOn)) if its server hears nothing; run `nightjar run`")
        }
        if unreadable > 0 {
            warnings.append(
                "\(Count.text(Int(unreadable), "mail")) could not be opened: sealed to keys that are not here")
        }
        if let report, Int(report.devices) >= NymLimits.devices {
            warnings.append(
                "its server remembers \(report.devices) devices of it and takes no more; nightjar nym rotate NYM makes "
                    + "room before you add another")
        }
        return warnings
    }
}
