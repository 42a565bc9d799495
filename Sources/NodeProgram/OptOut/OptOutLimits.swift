// How much mail the door sends: nobody must be flooded with questions, or with refusals, by somebody who writes in his name.
// Pure.

internal import Exits
internal import WireFormat

/// What the door may send, beside one question a day for each address, which the store of records sees to.
struct OptOutLimits: Sendable {
    /// Questions to all addresses of one host.
    static let perHost = MailRate(burst: 30, interval: .minutes(5))
    /// Questions in all.
    static let inAll = MailRate(burst: 100, interval: .minutes(1))
    /// Requests that are refused with words.
    static let refusals = MailRate(burst: 30, interval: .minutes(2))

    private var hosts: RecipientRates
    private var questions: RequestRate
    private var words: RequestRate

    init(
        perHost: MailRate = OptOutLimits.perHost, inAll: MailRate = OptOutLimits.inAll,
        refusals: MailRate = OptOutLimits.refusals
    ) {
        hosts = RecipientRates(perRecipient: perHost, perDomain: perHost, capacity: 16_384)
        questions = RequestRate(inAll)
        words = RequestRate(refusals)
    }

    /// Counts a question to an address at `host`; else how long it has to wait.
    mutating func take(host: String, at now: Timestamp) -> Interval? {
        if let wait = questions.wait(at: now) { return wait }
        // One name for all at the host.
        guard let anybody = try? MailRecipient("postmaster@\(host)") else { return nil }
        if case .wait(let until) = hosts.take(anybody, now: now) { return until - now }
        questions.take(at: now)
        return nil
    }

    /// Whether one more refusal may have words; counts it.
    mutating func mayRefuse(at now: Timestamp) -> Bool {
        guard words.wait(at: now) == nil else { return false }
        words.take(at: now)
        return true
    }
}

/// A bucket of one rate.
struct RequestRate: Sendable, Hashable {
    private let rate: MailRate
    /// When it is full again.
    private var fullAt = Timestamp(milliseconds: 0)

    init(_ rate: MailRate) { self.rate = rate }

    /// How long until there is one; nil if there is.
    func wait(at now: Timestamp) -> Interval? {
        let limit = now + rate.interval * Int64(rate.burst)
        // It may lag behind by a full bucket, and no more, also after a clock was set back.
        let full = min(max(fullAt, now), limit) + rate.interval
        return full <= limit ? nil : full - limit
    }

    mutating func take(at now: Timestamp) {
        fullAt = min(max(fullAt, now), now + rate.interval * Int64(rate.burst)) + rate.interval
    }
}
