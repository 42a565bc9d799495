// Sealed files outside of a spool: whoever uses them keeps their keys. A file whose key is gone is noise, so that the
// keys' owner erases a file for good by forgetting its key, whatever the disk does with the blocks.

private import Glibc
internal import MixCrypto
public import WireFormat

/// What opens a sealed file: its name, its length and its key. Secret.
public struct SealedFileReference: Hashable, Sendable {
    public let name: SealedFileName
    /// Bytes of the content.
    public let length: Int
    private let keyBytes: [UInt8]

    /// Bytes of the encoded form: name 16 | length u64 | key 32.
    public static let encodedSize = SealedFileName.byteCount + 8 + 32

    init(_ file: FinishedFile) {
        name = file.name
        length = file.length
        keyBytes = file.key.withBytes { Array($0) }
    }

    var key: SymmetricSecret { SymmetricSecret(copying: keyBytes) }

    /// The encoded form, to be kept sealed.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.encodedSize)
        writer.fixed(name)
        writer.integer(UInt64(length))
        writer.append(keyBytes)
        return writer.bytes
    }

    /// Reads the encoded form.
    public init(decoding bytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        name = try reader.fixed()
        guard let length = Int(exactly: try reader.integer(UInt64.self)) else { throw .unknownValue }
        self.length = length
        keyBytes = Array(try reader.slice(32))
        try reader.end()
    }
}

/// A directory of sealed files.
public struct SealedFolder: Sendable {
    /// The directory.
    public let path: String

    /// Makes the directory, mode 0700, or takes one of our own.
    public init(_ path: String) throws(SpoolError) {
        try PosixDirectory.prepare(path)
        self.path = path
    }

    /// A new file.
    public func makeFile() throws(SpoolError) -> SealedFileWriter { try SealedFileWriter(folder: path) }

    /// What a finished file is opened with.
    public func reference(_ file: FinishedFile) -> SealedFileReference { SealedFileReference(file) }

    /// Opens a file.
    public func open(_ file: SealedFileReference) throws(SpoolError) -> SealedFileReader {
        SealedFileReader(
            file: try PosixFile.openForReading("\(path)/\(file.name.hex)"), key: file.key, length: file.length)
    }

    /// Deletes a file; it need not be there.
    public func remove(_ name: SealedFileName) throws(SpoolError) { try PosixDirectory.remove("\(path)/\(name.hex)") }

    /// Names of the files that nobody has written to for so long, in real time.
    public func names(olderThan age: Interval) throws(SpoolError) -> [SealedFileName] {
        let latest = Int64(time(nil)) - age.milliseconds / 1000
        return try PosixDirectory.names(in: path).compactMap { SealedFileName(hex: $0) }.filter { name in
            var status = stat()
            return stat("\(path)/\(name.hex)", &status) == 0 && Int64(status.st_mtim.tv_sec) <= latest
        }
    }
}
