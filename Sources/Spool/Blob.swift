// Fixed-size identifiers as database values.

internal import Foundation
internal import GRDB
internal import WireFormat

extension FixedBytes {
    /// The bytes as a blob.
    var blob: Data { withBytes { Data($0) } }

    /// Reads a blob; `damaged` if it has another size.
    init(blob: Data) throws(SpoolError) {
        guard let value = Self(blob) else { throw .damaged }
        self = value
    }
}

extension [UInt8] {
    /// Reads a blob.
    init(blob: Data) throws(SpoolError) { self.init(blob) }
}

enum Blob {
    /// Bytes as a blob.
    static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }
}

extension ReplayKey {
    var blob: Data { withBytes { Data($0) } }
}

extension Record {
    /// Reads three columns, starting at `column`; `damaged` if they are out of range.
    init(_ row: Row, at column: Int) throws(SpoolError) {
        guard let segment = UInt32(exactly: row[column] as Int64), let slot = UInt16(exactly: row[column + 1] as Int64),
            let length = UInt16(exactly: row[column + 2] as Int64)
        else { throw .damaged }
        self.init(segment: segment, slot: slot, length: length)
    }
}
