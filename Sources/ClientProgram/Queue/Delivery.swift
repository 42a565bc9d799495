// Handing packets over to their first nodes, for as long as it makes sense to wait.

internal import Dispatch
internal import Forwarding
internal import MMTP
internal import Mixing
internal import NIOCore
internal import NIOPosix
internal import Spool
internal import Synchronization
internal import WireFormat

/// What came of a delivery.
struct DeliveryReport: Sendable {
    /// Packets that first nodes have.
    var handedOver = 0
    /// Packets given up, by reason.
    var dropped: [DropReason: Int] = [:]
    /// Destinations with packets left.
    var left: [DestinationStatus] = []
    /// Failures of connections, each kind once, in order of appearance.
    var failures: [DialFailure] = []

    /// Packets given up.
    var droppedCount: Int { dropped.values.reduce(0, +) }
    /// Packets left.
    var leftCount: Int { left.reduce(0) { $0 + $1.queued + $1.inFlight } }
}

/// One delivery.
struct Delivery {
    let addresses: AddressLookup
    let clock: ForwarderClock
    /// Real time, for certificates.
    let realTime: @Sendable () -> Timestamp
    /// How many times as fast as real time the clock runs.
    let timeScale: Double
    let connectTimeout: Interval
    /// Real time.
    let timeout: Interval
    /// Nodes that are waited for when they only ask for a pause; with others that is as good as a failure.
    let awaited: Set<NodeID>
    /// Told the packets handed over and those left, after every change.
    var progress: @Sendable (Int, Int) -> Void = { _, _ in }

    /// Connections at a time, and packets on the way on each: 4 MiB in memory in all.
    private static let connections = 8
    private static let window = 16
    /// How long nodes may take to answer what is on its way when time is up.
    private static let grace = Interval.seconds(5)

    /// Gives `packets` to their nodes until all are taken, time is up, or every node that still has some coming has failed.
    /// When it returns every answer is on disk.
    func run(_ packets: [WaitingPacket], from spool: Spool) async throws -> DeliveryReport {
        guard !packets.isEmpty else { return DeliveryReport() }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var dialing = DialerConfiguration()
        dialing.connectTimeout = connectTimeout
        dialing.handshakeTimeout = connectTimeout
        let dialer = try MMTPDialer(configuration: dialing, group: group, clock: realTime)
        let shared = Shared()
        let forwarder = Forwarder(
            spool: spool, dialer: dialer, addresses: addresses, strategy: .standard, settings: settings(dialing),
            clock: clock
        ) { event in shared.note(event) }
        forwarder.add(packets)
        let timeUp = Timer.after(timeout) {
            shared.isTimeUp.store(true, ordering: .sequentiallyConsistent)
            // Any event makes the forwarder look at its state again; this one changes nothing.
            forwarder.setHolding(false)
        }
        await forwarder.wait { [progress, awaited] snapshot in
            progress(packets.count - snapshot.pooled - snapshot.queued, snapshot.pooled + snapshot.queued)
            return shared.isTimeUp.load(ordering: .sequentiallyConsistent) || Self.isSettled(snapshot, awaited: awaited)
        }
        timeUp.cancel()
        let silent = await forwarder.snapshot().destinations.filter { $0.state == .connecting }.map(\.destination)
        await stop(forwarder)
        var left = await forwarder.snapshot().destinations.filter { $0.queued + $0.inFlight > 0 }
        // Those that were still being called when time was up.
        for index in left.indices where left[index].lastFailure == nil && silent.contains(left[index].destination) {
            left[index].lastFailure = .timeout
        }
        // What fails from here on fails because this side hangs up.
        let failures = shared.report.withLock { $0.failures }
        try await group.shutdownGracefully()
        // Removes nothing, but is done only when all removals before it are.
        _ = try spool.performAndWait([.removePackets([])])
        var report = shared.report.withLock { $0 }
        report.left = left
        report.failures = failures
        return report
    }

    /// Whether nothing more will happen soon: all is handed over, or waits for nodes that failed. A node that only asked
    /// for a pause may take its packets yet.
    static func isSettled(_ snapshot: Forwarder.Snapshot, awaited: Set<NodeID>) -> Bool {
        snapshot.pooled == 0
            && snapshot.destinations.allSatisfy { destination in
                destination.queued + destination.inFlight == 0
                    || (destination.state == .backingOff
                        && (destination.lastFailure != .postponed || !awaited.contains(destination.destination)))
            }
    }

    private func settings(_ dialing: DialerConfiguration) -> QueueSettings {
        var settings = QueueSettings()
        settings.maximumConnections = Self.connections
        settings.window = Self.window
        settings.packetsPerConnection = dialing.packetsPerConnection
        // Longer than the dialer's own times for a node with several addresses.
        settings.connectTimeout = (dialing.connectTimeout + dialing.handshakeTimeout) * 8
        return settings.scaled(by: Int64(timeScale.rounded(.up)))
    }

    /// Stops the forwarder, but waits no longer than `grace` for a node that is silent.
    private func stop(_ forwarder: Forwarder) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let once = Once { continuation.resume() }
            let timer = Timer.after(Self.grace) { once.run() }
            Task {
                await forwarder.shutdown()
                timer.cancel()
                once.run()
            }
        }
    }
}

/// What several threads report.
private final class Shared: Sendable {
    let report = Mutex(DeliveryReport())
    let isTimeUp = Atomic<Bool>(false)

    func note(_ event: ForwardEvent) {
        report.withLock { report in
            switch event {
            case .forwarded(let count): report.handedOver += count
            case .dropped(let reason, let count): report.dropped[reason, default: 0] += count
            case .connection(.success): break
            case .connection(.failure(let failure)):
                if !report.failures.contains(failure) { report.failures.append(failure) }
            }
        }
    }
}

/// Runs something once, whoever comes first.
private final class Once: Sendable {
    private let action: Mutex<(@Sendable () -> Void)?>
    init(_ action: @escaping @Sendable () -> Void) { self.action = Mutex(action) }
    func run() {
        let action = action.withLock { action in
            defer { action = nil }
            return action
        }
        action?()
    }
}

/// A call in the future that can be called off.
private final class Timer: Sendable {
    private let isCancelled = Atomic<Bool>(false)

    static func after(_ interval: Interval, _ action: @escaping @Sendable () -> Void) -> Timer {
        let timer = Timer()
        let delay = DispatchTimeInterval.milliseconds(Int(clamping: interval.milliseconds))
        DispatchQueue.global().asyncAfter(deadline: .now() + delay) {
            if !timer.isCancelled.load(ordering: .sequentiallyConsistent) { action() }
        }
        return timer
    }

    func cancel() { isCancelled.store(true, ordering: .sequentiallyConsistent) }
}
