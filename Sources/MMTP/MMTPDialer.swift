// The shell of the dialing side. A dialer presents nothing of its own: a node's connection looks like a client's.

private import Glibc
public import NIOCore
internal import NIOPosix
internal import NIOSSL
private import Synchronization
public import WireFormat

/// Opens links to nodes.
public final class MMTPDialer: Sendable {
    private let configuration: DialerConfiguration
    private let group: any EventLoopGroup
    private let clock: @Sendable () -> Timestamp
    private let tls: NIOSSLContext

    /// `clock` is what certificates are judged by.
    public init(
        configuration: DialerConfiguration = DialerConfiguration(), group: any EventLoopGroup,
        clock: @escaping @Sendable () -> Timestamp
    ) throws {
        self.configuration = configuration
        self.group = group
        self.clock = clock
        tls = try LinkTLS.dialerContext()
    }

    /// Connects to `node`, trying its addresses in turn. If all fail, throws the failure of the attempt that came
    /// furthest.
    public func connect(to node: NodeID, at addresses: [LinkAddress]) async throws(DialFailure) -> MMTPConnection {
        var failure = DialFailure.noAddress
        for address in addresses {
            do throws(DialFailure) {
                return try await attempt(node, at: address)
            } catch {
                if error.progress >= failure.progress { failure = error }
            }
        }
        throw failure
    }

    private func attempt(_ node: NodeID, at address: LinkAddress) async throws(DialFailure) -> MMTPConnection {
        // A host name may lead to several sockets in a race; the bootstrap says which has won.
        let candidates = Candidates()
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(.milliseconds(configuration.connectTimeout.milliseconds))
                .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(ChannelOptions.maxMessagesPerRead, value: 1)
                .channelOption(
                    ChannelOptions.recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 16_384)
                )
                .channelOption(ChannelOptions.writeBufferWaterMark, value: Self.waterMark)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try self.open(channel, node: node, candidates: candidates) }
                }
                .connect(host: address.host, port: address.port).get()
            guard let candidate = candidates.take(channel) else { throw DialFailure.handshakeFailed }
            try await candidate.ready.get()
            return candidate.connection
        } catch {
            throw Self.failure(error)
        }
    }

    /// Ciphertext that may wait for the socket.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 65_536, high: 262_144)

    private func open(_ channel: any Channel, node: NodeID, candidates: Candidates) throws {
        let closer = TransportCloser()
        let verdict = VerificationVerdict()
        let ready = channel.eventLoop.makePromise(of: Void.self)
        let clock = self.clock
        let connection = MMTPConnection(
            channel: channel, closer: closer, verdict: verdict, configuration: configuration, ready: ready)
        candidates.add(channel, Candidates.Candidate(connection: connection, ready: ready.futureResult))
        do {
            let tlsHandler = try NIOSSLClientHandler(context: tls, serverHostname: nil) { certificates, promise in
                verdict.failure = Self.verify(certificates, node: node, now: clock())
                promise.succeed(verdict.failure == nil ? .certificateVerified : .failed)
            }
            try channel.pipeline.syncOperations.addHandlers([closer, tlsHandler, connection.channelHandler])
        } catch {
            // A handler that is in no pipeline hears of no end.
            connection.channelHandler.close()
            throw error
        }
    }

    private static func verify(_ certificates: [NIOSSLCertificate], node: NodeID, now: Timestamp) -> DialFailure? {
        do throws(CertificateFailure) {
            // BoringSSL has parsed these once; one that cannot be written again is not ours.
            let chain = certificates.compactMap { try? $0.toDERBytes() }
            try LinkCertificate.verify(chain, wanted: node, now: now)
            return nil
        } catch {
            switch error {
            case .malformed: return .certificateInvalid
            case .wrongIdentity: return .wrongIdentity
            case .dates(let from, let until, let now): return .certificateDates(from: from, until: until, now: now)
            }
        }
    }

    private static func failure(_ error: any Error) -> DialFailure {
        switch error {
        case let failure as DialFailure:
            return failure
        case let error as NIOConnectionError:
            if let last = error.connectionErrors.last { return failure(last.error) }
            return .unresolvable
        case let error as IOError:
            return error.errnoCode == ECONNREFUSED ? .refused : .unreachable
        default:
            return .unreachable
        }
    }
}

/// The sockets of one attempt.
private final class Candidates: Sendable {
    struct Candidate: Sendable {
        var connection: MMTPConnection
        var ready: EventLoopFuture<Void>
    }

    private let candidates = Mutex<[ObjectIdentifier: Candidate]>([:])

    func add(_ channel: any Channel, _ candidate: Candidate) {
        candidates.withLock { $0[ObjectIdentifier(channel)] = candidate }
    }

    func take(_ channel: any Channel) -> Candidate? {
        candidates.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}
