// Which measurement reports an authority takes. Pure.

internal import Directory
internal import WireFormat

/// Why a report is not taken.
enum ReportRefusal: Hashable, Sendable {
    case unknownPinger(String, Digest)
    case otherNetwork(String)
    /// With this authority's time.
    case fromTheFuture(Timestamp, now: Timestamp)
    case tooOld(Timestamp)
    /// A newer one, or another one of the same time, is here.
    case replaced(by: Timestamp)
    /// When the next one is taken.
    case tooSoon(until: Timestamp)
    case badSignature(String)

    /// For the metrics.
    var label: String {
        switch self {
        case .unknownPinger: "unknown-pinger"
        case .otherNetwork: "other-network"
        case .fromTheFuture: "from-the-future"
        case .tooOld: "too-old"
        case .replaced: "replaced"
        case .tooSoon: "too-soon"
        case .badSignature: "bad-signature"
        }
    }

    /// For whoever runs the pinger.
    var words: String {
        switch self {
        case .unknownPinger(let name, let key):
            "this authority does not name a pinger \(name) with the key \(key.hex); ask its operator to add it to [pingers]"
        case .otherNetwork(let name): "the report is of another network, \(name)"
        case .fromTheFuture(let published, let now):
            "the report was made at \(published), and here it is \(now): check the clocks"
        case .tooOld(let published):
            "the report was made at \(published), and after six hours none counts: make a new one"
        case .replaced(let published):
            "another report of this pinger is here, made at \(published): only newer ones are taken"
        case .tooSoon(let time):
            "the last report of this pinger came a moment ago; the next one is taken from \(time) on"
        case .badSignature(let name):
            "the report of pinger \(name) is not signed by the key in it: it was damaged or forged"
        }
    }
}

/// What is to be done with a report that is not checked yet.
enum ReportDecision: Equatable, Sendable {
    case take
    case known
    case refused(ReportRefusal)
}

/// Decides about reports.
struct ReportRules: Sendable {
    /// Most pingers that an authority can name: its votes can name as many reports.
    static let maximumPingers = VoteContents.maximumReports

    /// Name of the network.
    let network: String
    /// A report is taken this long after the one before: a quarter of a slot.
    let pause: Interval

    init(network: NetworkFile) {
        self.network = network.name
        pause = .milliseconds(network.parameters.slotLength.milliseconds / 4)
    }

    /// - Parameters:
    ///   - isTrusted: whether the key that it claims to be signed by is one of the pingers'.
    ///   - newest: the newest report of the same pinger, and when it came.
    func decide(
        _ report: UnverifiedReport, isTrusted: Bool, newest: (report: MeasurementReport, received: Timestamp)?,
        now: Timestamp
    ) -> ReportDecision {
        guard report.networkName == network else { return .refused(.otherNetwork(report.networkName)) }
        guard isTrusted else { return .refused(.unknownPinger(report.pinger.text, report.keyDigest)) }
        if let newest {
            if newest.report.digest == report.digest { return .known }
            guard report.published > newest.report.published else {
                return .refused(.replaced(by: newest.report.published))
            }
        }
        guard report.published <= now + ReportTally.maximumAhead else {
            return .refused(.fromTheFuture(report.published, now: now))
        }
        guard report.published >= now - ReportTally.maximumAge else { return .refused(.tooOld(report.published)) }
        // A clock that was set back must not keep a pinger out.
        if let newest, newest.received <= now, now < newest.received + pause {
            return .refused(.tooSoon(until: newest.received + pause))
        }
        return .take
    }
}
