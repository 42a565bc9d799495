// How long a message, a question and an answer may take, in the network's time. All of it follows from the network's
// parameters, and from how long earlier answers took.

internal import Directory
internal import Mixing
internal import WireFormat

/// The times of one message's journey.
struct RetransmissionTiming: Hashable, Sendable {
    /// What a connection, a disk and a line cost at each hop.
    static let hopMargin = Interval.seconds(5)
    /// What an exit needs to hand a message on and to answer, and a mailbox to be polled.
    static let endMargin = Interval.minutes(2)
    /// No wait is longer than so many ordinary ones.
    static let longestBackoff = 8

    /// How long a packet may take from being handed over to its exit; nearly all take less.
    let oneWay: Interval
    /// How long an answer is waited for before it counts as lost.
    let roundTrip: Interval
    /// How long the exit of a message is believed in that has given no sign of life.
    let exitPatience: Interval

    /// - Parameters:
    ///   - hops: nodes on a path.
    ///   - mean: mean delay at each.
    ///   - measured: how long answers took, if any came.
    init(hops: Int, mean: Interval, deliveryDeadline: Interval, measured: RoundTripEstimate?) {
        let way = (mean * 2 + Self.hopMargin) * Int64(max(hops, 1))
        let planned = way * 2 + Self.endMargin
        // A few quick answers must not make us hasty: delays are exponential.
        let learned = measured.map { max($0.patience, .milliseconds(planned.milliseconds / 2)) } ?? planned
        roundTrip = min(learned, planned * 8)
        oneWay = .milliseconds(max(1, roundTrip.milliseconds / 2))
        exitPatience = .milliseconds(deliveryDeadline.milliseconds / 4)
    }

    init(_ parameters: NetworkParameters, isUrgent: Bool, measured: RoundTripEstimate?) {
        self.init(
            hops: Int(parameters.hops), mean: isUrgent ? parameters.urgentMeanDelay : parameters.meanDelay,
            deliveryDeadline: parameters.deliveryDeadline, measured: measured)
    }

    /// The wait of a round of questions: twice as long each time that nothing came, and never the same twice.
    func wait(round: Int, using generator: inout some RandomNumberGenerator) -> Interval {
        let factor = min(1 << min(max(round, 0), 16), Self.longestBackoff)
        let jitter = Double.random(in: 1...1.25, using: &generator)
        return .seconds(fraction: roundTrip.inSeconds * Double(factor) * jitter)
    }

    /// When to look again whether packets have left the queue.
    var check: Interval { .milliseconds(max(200, oneWay.milliseconds / 16)) }
}

/// How long answers take: a running mean and deviation (RFC 6298, sections 2 and 4).
struct RoundTripEstimate: Hashable, Sendable {
    var mean: Interval
    var deviation: Interval

    init(mean: Interval, deviation: Interval) {
        self.mean = mean
        self.deviation = deviation
    }

    /// The first measurement.
    init(_ first: Interval) {
        mean = first
        deviation = .milliseconds(first.milliseconds / 2)
    }

    /// Another one. Each question has a reply block of its own, so that it is known which one was answered.
    mutating func add(_ sample: Interval) {
        let difference = abs(mean.milliseconds - sample.milliseconds)
        deviation = .milliseconds((deviation.milliseconds * 3 + difference) / 4)
        mean = .milliseconds((mean.milliseconds * 7 + sample.milliseconds) / 8)
    }

    /// How long to wait before an answer counts as lost.
    var patience: Interval { mean + deviation * 4 }
}
