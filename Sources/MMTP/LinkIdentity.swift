// A node's face towards dialers: its identity key and the certificate of the day.

public import MixCrypto
internal import NIOSSL
private import Synchronization
public import WireFormat

/// The TLS identity of a listener. A new leaf is made every `renewal`; connections that exist keep theirs.
public final class LinkIdentity: Sendable {
    /// Age at which a leaf is replaced.
    public static let renewal = Interval.hours(24)

    /// SHA-256 of the identity key: what dialers look for.
    public let nodeID: NodeID
    private let key: SigningKey
    private struct Current: Sendable {
        var made: Timestamp
        var context: NIOSSLContext
    }
    private let current: Mutex<Current>

    /// Makes the first leaf, valid from two days before `now` to two days after.
    public init(_ key: SigningKey, now: Timestamp) throws {
        self.key = key
        nodeID = key.verificationKey.nodeID
        current = Mutex(Current(made: now, context: try Self.makeContext(key, now: now)))
    }

    /// Makes a new leaf for the connections to come.
    public func rotate(now: Timestamp) throws {
        let context = try Self.makeContext(key, now: now)
        current.withLock { $0 = Current(made: now, context: context) }
    }

    /// Whether the leaf was made a `renewal` ago or the clock has since been set back as far.
    public func isRenewalDue(now: Timestamp) -> Bool {
        let age = now - current.withLock { $0.made }
        return age >= Self.renewal || age <= Interval.zero - Self.renewal
    }

    /// Settings for a new connection.
    var context: NIOSSLContext { current.withLock { $0.context } }

    private static func makeContext(_ key: SigningKey, now: Timestamp) throws -> NIOSSLContext {
        try LinkTLS.listenerContext(LinkCertificate(signedBy: key, now: now))
    }
}
