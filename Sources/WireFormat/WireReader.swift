// Reading and writing big-endian fields. Everything that a peer sends goes through `WireReader`, which cannot
// read past the end and never traps.

/// Why bytes are not what they should be.
public enum WireError: Error, Equatable, Sendable {
    /// Fewer bytes than the field needs.
    case truncated
    /// Bytes behind the last field.
    case trailingBytes
    /// A reserved field or padding that is not zero.
    case nonZeroReserved
    /// A value that the format does not know.
    case unknownValue
    /// Text that is not UTF-8.
    case notText
}

/// A cursor over bytes.
public struct WireReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads from the start of `bytes`.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// Reads from the start of `bytes`.
    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Number of bytes not yet read.
    public var remaining: Int { bytes.endIndex - position }

    /// Reads a big-endian integer.
    public mutating func integer<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) throws(WireError) -> T {
        let count = T.bitWidth / 8
        guard remaining >= count else { throw .truncated }
        var value: T = 0
        for index in position..<position + count { value = T(truncatingIfNeeded: UInt64(value) << 8) | T(bytes[index]) }
        position += count
        return value
    }

    /// Reads `count` bytes.
    public mutating func slice(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, remaining >= count else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Reads a fixed-size identifier.
    public mutating func fixed<T: FixedBytes>(_ type: T.Type = T.self) throws(WireError) -> T {
        guard let value = T(try slice(T.byteCount)) else { throw .truncated }
        return value
    }

    /// Reads `count` bytes of UTF-8.
    public mutating func text(_ count: Int) throws(WireError) -> String {
        guard let text = String(validating: try slice(count), as: UTF8.self) else { throw .notText }
        return text
    }

    /// Reads `count` bytes that must be zero.
    public mutating func zeros(_ count: Int) throws(WireError) {
        guard try slice(count).allSatisfy({ $0 == 0 }) else { throw .nonZeroReserved }
    }

    /// Reads all that is left.
    public mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// Checks that nothing is left.
    public func end() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes }
    }
}

/// Builds big-endian fields into an array.
public struct WireWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]

    /// An empty writer with room for `capacity` bytes.
    public init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Writes a big-endian integer.
    public mutating func integer<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes bytes as they are.
    public mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Writes an identifier.
    public mutating func fixed(_ value: some FixedBytes) { value.withBytes { bytes.append(contentsOf: $0) } }

    /// Writes `count` zero bytes.
    public mutating func zeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }
}
