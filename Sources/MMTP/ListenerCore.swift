// What all connections of a listener share. The locks are held for a table look-up at most.

internal import NIOCore
internal import Synchronization
internal import WireFormat

/// Shared state of a listener.
final class ListenerCore: Sendable {
    let configuration: ListenerConfiguration
    let identity: LinkIdentity
    let receiver: any PacketReceiver
    let gate: InFlightGate
    let responder: (any BlockResponder)?
    let askGate: AskGate
    let clock: @Sendable () -> Timestamp
    let count: LinkEventCounter
    private let limits: Mutex<PeerLimits>
    private struct Connections {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
    }
    private let connections = Mutex(Connections())

    init(
        configuration: ListenerConfiguration, identity: LinkIdentity, receiver: any PacketReceiver,
        responder: (any BlockResponder)?, clock: @escaping @Sendable () -> Timestamp, count: @escaping LinkEventCounter
    ) {
        self.configuration = configuration
        self.identity = identity
        self.receiver = receiver
        gate = InFlightGate(limit: configuration.framesInFlight)
        self.responder = responder
        askGate = AskGate(limit: configuration.asksInFlight)
        self.clock = clock
        self.count = count
        limits = Mutex(PeerLimits(configuration.limits))
    }

    /// Asks the limits for a new connection.
    func admit(_ address: SocketAddress?) -> PeerLimits.Seat? {
        let now = clock()
        switch limits.withLock({ $0.connect(from: AddressBlock(address), at: now) }) {
        case .success(let seat):
            count(.accepted, 1)
            return seat
        case .failure(let refusal):
            count(.refusedByLimit(refusal.reason), 1)
            return nil
        }
    }

    func leave(_ seat: PeerLimits.Seat) {
        let now = clock()
        limits.withLock { $0.disconnect(seat, at: now) }
        count(.closed, 1)
    }

    func takeFrame(_ seat: PeerLimits.Seat) -> Bool {
        let now = clock()
        return limits.withLock { $0.takeFrame(seat, at: now) }
    }

    func punish(_ seat: PeerLimits.Seat) {
        let now = clock()
        limits.withLock { $0.punish(seat, at: now) }
    }

    var isUnderLoad: Bool { limits.withLock { $0.isUnderLoad } }

    /// Renews the certificate if it is due; a failure leaves the old one, which is good for another day.
    func renewCertificate() {
        let now = clock()
        guard identity.isRenewalDue(now: now) else { return }
        do { try identity.rotate(now: now) } catch { count(.certificateNotRenewed, 1) }
    }

    /// Notes an open connection; false if the listener is stopping.
    func register(_ channel: any Channel) -> Bool {
        connections.withLock { state in
            guard !state.isStopping else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    func unregister(_ channel: any Channel) {
        connections.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
    }

    /// No more connections; those that exist, to be stopped.
    func stop() -> [any Channel] {
        connections.withLock { state in
            state.isStopping = true
            return Array(state.channels.values)
        }
    }

    /// Those that exist.
    var open: [any Channel] { connections.withLock { Array($0.channels.values) } }
}
