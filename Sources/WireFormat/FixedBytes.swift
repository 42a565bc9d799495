// Identifiers and digests of a fixed number of bytes. Each is a type of its own, so that a node id cannot be
// passed where a replay tag is wanted; all share this protocol's reading, writing and ordering.

/// A value that is exactly `byteCount` bytes on the wire.
public protocol FixedBytes: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Number of bytes on the wire.
    static var byteCount: Int { get }
    /// The words that hold the bytes, first byte first in memory.
    associatedtype Storage: Hashable & Sendable
    var storage: Storage { get set }
    /// A value of zero bytes.
    init()
}

extension FixedBytes {
    /// Copies `byteCount` bytes from `bytes`; nil if there are more or fewer.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init()
        withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes) }
    }

    /// Copies `byteCount` bytes from a buffer that the caller knows to be of that size.
    @inlinable
    public init(copying buffer: UnsafeRawBufferPointer) {
        precondition(buffer.count == Self.byteCount, "a \(Self.self) is \(Self.byteCount) bytes")
        self.init()
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: buffer) }
    }

    /// Parses lower-case hexadecimal text of exactly `2 * byteCount` digits.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// `byteCount` random bytes.
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        var value = Self()
        withUnsafeMutableBytes(of: &value.storage) { generator.fill($0) }
        return value
    }

    /// Lends the bytes.
    @inlinable
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeBytes(of: storage) { try body($0) }
    }

    /// The bytes as an array.
    @inlinable
    public var bytes: [UInt8] { withBytes { Array($0) } }

    /// Lower-case hexadecimal, two digits a byte.
    public var hex: String { Hex.encode(bytes) }
    public var description: String { hex }

    /// Orders by the bytes, first byte most significant.
    public static func < (left: Self, right: Self) -> Bool {
        left.withBytes { l in right.withBytes { r in l.lexicographicallyPrecedes(r) } }
    }
}

/// Sixteen bytes in memory order.
public struct Words16: Hashable, Sendable {
    @usableFromInline var a: UInt64 = 0, b: UInt64 = 0
    @inlinable public init() {}
}

/// Thirty-two bytes in memory order.
public struct Words32: Hashable, Sendable {
    @usableFromInline var a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0, d: UInt64 = 0
    @inlinable public init() {}
}

/// A SHA-256 digest, 32 bytes.
public struct Digest: FixedBytes {
    public static let byteCount = 32
    public var storage = Words32()
    @inlinable public init() {}
}

/// A node's name in the network: SHA-256 of its Ed25519 identity key, 32 bytes.
public struct NodeID: FixedBytes {
    public static let byteCount = 32
    public var storage = Words32()
    @inlinable public init() {}
}

/// What a node remembers of a packet so as to know it again, 32 bytes derived from the packet's shared secret.
public struct ReplayTag: FixedBytes {
    public static let byteCount = 32
    public var storage = Words32()
    @inlinable public init() {}
}

/// A single-use reply block's name, 16 bytes.
public struct SURBID: FixedBytes {
    public static let byteCount = 16
    public var storage = Words16()
    @inlinable public init() {}
}

/// A message's name, shared by its parts, 16 random bytes.
public struct MessageID: FixedBytes {
    public static let byteCount = 16
    public var storage = Words16()
    @inlinable public init() {}
}

/// Name of a mailbox: the SHA-256 of its Ed25519 key, 32 bytes.
public struct MailboxID: FixedBytes {
    public static let byteCount = 32
    public var storage = Words32()
    @inlinable public init() {}
}

/// What opens a mailbox to those who were introduced, 16 bytes.
public struct MailboxToken: FixedBytes {
    public static let byteCount = 16
    public var storage = Words16()
    @inlinable public init() {}
}
