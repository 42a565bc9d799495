// Listens for mail programs at addresses of this machine.

private import Glibc
internal import NIOCore
public import NIOPosix
public import WireFormat

/// An address that only this machine reaches, and a port.
public struct LoopbackAddress: Hashable, Sendable, CustomStringConvertible {
    /// `127.0.0.1` or `::1`.
    public let host: String
    /// 0 takes any.
    public let port: Int

    /// Reads `127.0.0.1:port`, `[::1]:port` or `localhost:port`, which is the former; nil for anything else.
    public init?(_ text: String) {
        let hosts = [("127.0.0.1:", "127.0.0.1"), ("localhost:", "127.0.0.1"), ("[::1]:", "::1")]
        for (prefix, host) in hosts where text.hasPrefix(prefix) {
            let digits = text.dropFirst(prefix.count)
            guard digits.allSatisfy(\.isNumber), let port = UInt16(digits) else { return nil }
            self.host = host
            self.port = Int(port)
            return
        }
        return nil
    }

    public var description: String { host == "::1" ? "[::1]:\(port)" : "\(host):\(port)" }
}

/// What a submission server is told.
public struct SubmissionSettings: Hashable, Sendable {
    /// Where TLS begins with STARTTLS.
    public var addresses: [LoopbackAddress]
    /// Where it begins with the first byte.
    public var implicitAddresses: [LoopbackAddress]
    /// This server's name.
    public var name: String
    public var limits: SubmissionLimits
    /// Connections at one time; more are told to come back.
    public var connections = 16
    /// How many of them may be without a password: whoever has one finds the others free.
    public var strangers = 12
    /// How long a connection may be without a password.
    public var login = Interval.seconds(60)
    /// How long a mail program may be silent (RFC 5321 section 4.5.3.2.7).
    public var idle = Interval.minutes(5)
    /// How long a connection may last.
    public var longest = Interval.minutes(30)

    public init(
        addresses: [LoopbackAddress], implicitAddresses: [LoopbackAddress] = [], name: String, limits: SubmissionLimits
    ) {
        self.addresses = addresses
        self.implicitAddresses = implicitAddresses
        self.name = name
        self.limits = limits
    }
}

/// An address that a server could not listen at.
public struct SubmissionBindError: Error, Hashable {
    public let address: LoopbackAddress
    /// `errno`; 0 if unknown.
    public let code: Int32
}

/// A listening submission server.
public final class SubmissionServer: Sendable {
    private let listeners: [any Channel]
    private let connections: ServerConnections<SubmissionMachine>
    /// The addresses with the ports that were taken.
    public let addresses: [LoopbackAddress]
    public let implicitAddresses: [LoopbackAddress]

    /// Begins to listen at every address. One of IPv6 on a machine without it is passed over if there is another.
    /// - Throws: `SubmissionBindError`.
    public static func bind(
        _ settings: SubmissionSettings, security: SubmissionSecurity, receiver: any SubmissionReceiver,
        group: MultiThreadedEventLoopGroup = .singleton
    ) async throws(SubmissionBindError) -> SubmissionServer {
        let connections = ServerConnections<SubmissionMachine>(
            limit: settings.connections, strangers: settings.strangers)
        var listeners: [any Channel] = []
        var bound: [[LoopbackAddress]] = [[], []]
        for (index, addresses) in [settings.addresses, settings.implicitAddresses].enumerated() {
            for address in addresses {
                let bootstrap = bootstrap(
                    settings, isImplicit: index == 1, connections: connections, security: security,
                    receiver: receiver, group: group)
                do {
                    let listener = try await bootstrap.bind(host: address.host, port: address.port).get()
                    listeners.append(listener)
                    let port = listener.localAddress?.port ?? address.port
                    bound[index] += [LoopbackAddress(address, port: port)]
                } catch {
                    let code = (error as? IOError)?.errnoCode ?? 0
                    if address.host == "::1", addresses.count > 1, Self.isWithoutIPv6(code) { continue }
                    for listener in listeners { try? await listener.close() }
                    throw SubmissionBindError(address: address, code: code)
                }
            }
        }
        return SubmissionServer(listeners: listeners, connections: connections, bound: bound)
    }

    private static func bootstrap(
        _ settings: SubmissionSettings, isImplicit: Bool, connections: ServerConnections<SubmissionMachine>,
        security: SubmissionSecurity, receiver: any SubmissionReceiver, group: MultiThreadedEventLoopGroup
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if isImplicit { try pipeline.addHandler(security.handler()) }
                    guard connections.open(channel) else {
                        return try pipeline.addHandler(SubmissionRefusal(name: settings.name))
                    }
                    let handler = SubmissionConversation.handler(
                        settings, isSecure: isImplicit, receiver: receiver, security: security,
                        loggedIn: { connections.welcome(channel) })
                    connections.add(channel, handler)
                    try pipeline.addHandler(handler)
                }
            }
    }

    private init(
        listeners: [any Channel], connections: ServerConnections<SubmissionMachine>, bound: [[LoopbackAddress]]
    ) {
        self.listeners = listeners
        self.connections = connections
        addresses = bound[0]
        implicitAddresses = bound[1]
    }

    /// Takes no more connections and ends those that are open, after the mail that one may be handing over; none lasts
    /// longer than `grace`.
    public func close(grace: Interval = .seconds(5)) async {
        for listener in listeners { try? await listener.close() }
        await connections.close(grace: grace)
    }

    private static func isWithoutIPv6(_ code: Int32) -> Bool { code == EADDRNOTAVAIL || code == EAFNOSUPPORT }
}

extension LoopbackAddress {
    fileprivate init(_ address: LoopbackAddress, port: Int) {
        host = address.host
        self.port = port
    }
}
