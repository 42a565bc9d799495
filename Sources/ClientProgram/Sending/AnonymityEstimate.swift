// What a delay is worth. A mix that holds N packets, each as likely to leave next, hides one among them by log2(N) bits,
// and the exponential delays add log2(e) = 1.44: whatever else is done, rate and delay decide.

internal import Directory
internal import Foundation
internal import Mixing
internal import WireFormat

/// What one hop gives to packets of a mean delay, if nobody but the nodes themselves sends anything.
struct AnonymityEstimate: Equatable, Sendable {
    /// Packets of the nodes' own loops that a hop holds with the delay, on average.
    let held: Double

    /// Every node sends a loop each `loopInterval`, and each loop is held by all of its `hops` nodes but the last, where it
    /// ends; so packets to be held arrive at a node at `(hops - 1) / loopInterval`, however many nodes there are.
    init(mean: Interval, parameters: NetworkParameters) {
        let delay = DelaySampling(mean: mean, cap: parameters.delayCap).expected
        held = Double(max(parameters.hops - 1, 0)) * delay.inSeconds / max(parameters.loopInterval.inSeconds, 0.001)
    }

    /// Bits of anonymity.
    var bits: Double { held > 0 ? max(0, log2(held) + log2(M_E)) : 0 }

    /// What short delays cost in this network, for whoever asks for them.
    static func urgencyWarning(_ parameters: NetworkParameters) -> String {
        let normal = AnonymityEstimate(mean: parameters.meanDelay, parameters: parameters)
        let urgent = AnonymityEstimate(mean: parameters.urgentMeanDelay, parameters: parameters)
        return
            "--urgent costs anonymity: with a mean delay of \(parameters.urgentMeanDelay.shortText) a hop mixes your packets with "
            + "about \(round(urgent.held)) others instead of \(round(normal.held)) (\(parameters.meanDelay.shortText)), which hides "
            + "you by about \(round(urgent.bits)) bits instead of \(round(normal.bits)) at each hop; leave it out if you can wait"
    }

    /// One digit behind the point, none from ten on.
    private static func round(_ value: Double) -> String {
        value >= 10 ? String(Int(value.rounded())) : String((value * 10).rounded() / 10)
    }
}
