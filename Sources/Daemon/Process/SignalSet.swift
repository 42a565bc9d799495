// The signals of a daemon, all in one place: nobody else may trap them.

internal import Dispatch
internal import Glibc
internal import Synchronization

/// What an operator asks for by a signal.
public enum SignalEvent: Hashable, Sendable {
    /// SIGTERM or SIGINT: end what is under way, then stop.
    case shutdown
    /// SIGHUP: read the configuration again.
    case reload
    /// SIGUSR1: open log files anew and write statistics out.
    case reopen
}

/// Traps SIGTERM, SIGINT, SIGHUP and SIGUSR1, and ignores SIGPIPE, from `init` until the value goes.
public final class SignalSet: Sendable {
    /// The signals as they come. A few that nobody has taken yet are kept; more of them would say nothing new.
    public let events: AsyncStream<SignalEvent>

    private let sources: Mutex<[any DispatchSourceSignal]>

    private static let meanings: [(signal: Int32, event: SignalEvent)] = [
        (SIGTERM, .shutdown), (SIGINT, .shutdown), (SIGHUP, .reload), (SIGUSR1, .reopen),
    ]

    /// Returns when the signals are trapped: until then SIGHUP ends the process, so this comes early in `main`.
    public init() {
        signal(SIGPIPE, SIG_IGN)
        let (stream, continuation) = AsyncStream.makeStream(of: SignalEvent.self, bufferingPolicy: .bufferingOldest(16))
        events = stream
        let registered = DispatchGroup()
        let queue = DispatchQueue(label: "signals")
        let made = Self.meanings.map { meaning in
            let source = DispatchSource.makeSignalSource(signal: meaning.signal, queue: queue)
            source.setEventHandler { continuation.yield(meaning.event) }
            registered.enter()
            source.setRegistrationHandler { registered.leave() }
            source.resume()
            return source
        }
        registered.wait()
        sources = Mutex(made)
    }

    deinit { sources.withLock { for source in $0 { source.cancel() } } }
}
