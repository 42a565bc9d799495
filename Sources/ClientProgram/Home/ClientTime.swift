// The client's idea of time. In a test network time may run faster, for every process alike; certificates of links are
// always judged by real time.

internal import Daemon
internal import Directory
internal import Forwarding
internal import WireFormat

/// Real time, or the fast time of a test network.
struct ClientTime: Sendable {
    static let scaleVariable = "NIGHTJAR_TIME_SCALE"
    static let originVariable = "NIGHTJAR_TIME_ORIGIN"

    /// What the environment asks for; `.real` if it asks for nothing.
    let clock: ScaledClock
    /// Whether time runs otherwise than real time.
    var isScaled: Bool { clock.scale != 1 }

    /// Reads `NIGHTJAR_TIME_SCALE` (a number) and `NIGHTJAR_TIME_ORIGIN` (milliseconds since 1970).
    init(environment: [String: String]) throws(CommandFailure) {
        guard let text = environment[Self.scaleVariable], !text.isEmpty else {
            clock = .real
            return
        }
        guard let scale = Double(text), scale.isFinite, (0.001...1_000_000).contains(scale) else {
            throw CommandFailure("\(Self.scaleVariable) must be a number from 0.001 to 1000000", code: .usage)
        }
        guard scale != 1 else {
            clock = .real
            return
        }
        guard let origin = environment[Self.originVariable].flatMap(Int64.init) else {
            throw CommandFailure(
                "\(Self.scaleVariable) needs \(Self.originVariable): when the network began, in milliseconds since 1970",
                code: .usage)
        }
        clock = ScaledClock(origin: Timestamp(milliseconds: origin), scale: scale)
    }

    /// Checks that time runs as it must for a network: otherwise than real time in test networks only.
    func check(_ root: NetworkFile) throws(NetworkStoreError) {
        guard !isScaled || root.isTest else { throw .scaledTime(root.name) }
    }
}

extension ScaledClock {
    /// In the form that the forwarder takes.
    var forForwarder: ForwarderClock {
        ForwarderClock(
            now: { now() },
            secondsUntil: { time in
                let parts = realDelay(until: time).components
                return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
            })
    }
}
