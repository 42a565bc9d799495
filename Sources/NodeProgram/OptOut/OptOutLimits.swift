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

    /// New entries of the book for addresses of one host, and in all.
    static let entriesPerHost = MailRate(burst: 64, interval: .hours(1))
    static let entriesInAll = MailRate(burst: 1024, interval: .minutes(5))
    /// Hosts whose entries are counted apart.
    static let countedHosts = 16_384

    private var entries: RequestRate
    private var entriesOfHosts: [[UInt8]: RequestRate] = [:]
    private let perHostEntries: MailRate
    private var hosts: RecipientRates
    private var questions: RequestRate
    private var words: RequestRate

    init(
        perHost: MailRate = OptOutLimits.perHost, inAll: MailRate = OptOutLimits.inAll,
        refusals: MailRate = OptOutLimits.refusals, entriesPerHost: MailRate = OptOutLimits.entriesPerHost,
        entriesInAll: MailRate = OptOutLimits.entriesInAll
    ) {
        perHostEntries = entriesPerHost
        entries = RequestRate(entriesInAll)
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

    /// Counts a new entry of the book; else how long it has to wait.
    /// - Parameter host: what stands for its host.
    mutating func takeEntry(host: [UInt8], at now: Timestamp) -> Interval? {
        if let wait = entries.wait(at: now) { return wait }
        if entriesOfHosts.count >= Self.countedHosts {
            entriesOfHosts = entriesOfHosts.filter { !$0.value.isFull(at: now) }
            // More hosts than that within their rates: the rate in all is what is left.
            if entriesOfHosts.count >= Self.countedHosts { entriesOfHosts = [:] }
        }
        var rate = entriesOfHosts[host] ?? RequestRate(perHostEntries)
        if let wait = rate.wait(at: now) { return wait }
        rate.take(at: now)
        entriesOfHosts[host] = rate
        entries.take(at: now)
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

    /// Whether it is as one that was never used.
    func isFull(at now: Timestamp) -> Bool { fullAt <= now }

    mutating func take(at now: Timestamp) {
        fullAt = min(max(fullAt, now), now + rate.interval * Int64(rate.burst)) + rate.interval
    }
}
