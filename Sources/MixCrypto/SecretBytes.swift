// Long-lived secrets: key seeds, storage keys. They live in libsodium's guarded heap: locked against swapping, left
// out of core dumps, between guard pages, wiped when freed. What this does not do: registers and stack slots of the
// primitives that use them are outside our reach.

internal import CSodium
private import Glibc

/// Why a cryptographic operation did not give a result.
public enum CryptoError: Error, Equatable, Sendable {
    /// The guarded heap is exhausted; raise the locked-memory limit (`LimitMEMLOCK=`).
    case noLockedMemory
    /// A key, ciphertext or signature of the wrong size or form.
    case malformed
    /// A seal, tag or signature that does not verify.
    case notAuthentic
}

/// A block of secret bytes that cannot be copied, printed or compared except in constant time.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableRawPointer
    /// Number of bytes.
    public let count: Int

    private static let initialized: Bool = sodium_init() >= 0

    /// A block of `count` bytes that `fill` writes.
    public init<E: Error>(
        count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws {
        precondition(count > 0, "a secret has bytes")
        guard Self.initialized, let block = sodium_malloc(count) else { throw CryptoError.noLockedMemory }
        do {
            try fill(UnsafeMutableRawBufferPointer(start: block, count: count))
        } catch {
            sodium_free(block)
            throw error
        }
        storage = block
        self.count = count
    }

    /// `count` bytes of the operating system's randomness.
    public static func random(count: Int) throws -> SecretBytes {
        try SecretBytes(count: count) { (buffer) throws(Never) in randombytes_buf(buffer.baseAddress!, count) }
    }

    /// Moves bytes in from an array and wipes the array's own storage.
    public init(moving bytes: inout [UInt8]) throws {
        let source = bytes
        try self.init(count: source.count) { (buffer) throws(Never) in buffer.copyBytes(from: source) }
        _ = consume source
        bytes.withUnsafeMutableBytes { sodium_memzero($0.baseAddress!, $0.count) }
    }

    /// Lends the bytes; the pointer must not outlive `body`.
    public borrowing func withBytes<R: ~Copyable, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: storage, count: count))
    }

    /// A second block with the same bytes, for another owner.
    public borrowing func copy() throws -> SecretBytes {
        try withBytes { bytes in
            try SecretBytes(count: bytes.count) { (buffer) throws(Never) in buffer.copyMemory(from: bytes) }
        }
    }

    /// Whether both hold the same bytes, in time that depends on the length alone.
    public borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
        count == other.count && sodium_memcmp(storage, other.storage, count) == 0
    }

    deinit { sodium_free(storage) }
}

/// Comparison and wiping of bytes that others own.
public enum ConstantTime {
    /// Whether both buffers are equal, in time that depends on the length alone.
    public static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count, let l = left.baseAddress, let r = right.baseAddress else { return left.count == right.count }
        return sodium_memcmp(l, r, left.count) == 0
    }

    /// Whether every byte is zero, in time that depends on the length alone.
    public static func isZero(_ buffer: UnsafeRawBufferPointer) -> Bool {
        sodium_is_zero(buffer.assumingMemoryBound(to: UInt8.self).baseAddress, buffer.count) == 1
    }

    /// Overwrites with zeros in a way that the optimiser keeps.
    public static func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
        if let base = buffer.baseAddress { sodium_memzero(base, buffer.count) }
    }
}

/// Process-wide hardening, done once at a daemon's start.
public enum ProcessMemory {
    /// Locks all present and future pages into memory; false if the limit forbids it.
    public static func lockAll() -> Bool { mlockall(Int32(MCL_CURRENT) | Int32(MCL_FUTURE)) == 0 }
}
