// Writes a message to disk piece by piece, holding one chunk in memory.

internal import MixCrypto
private import Synchronization
internal import WireFormat

/// A sealed file being written. Dropped without `finish`, it leaves nothing behind.
public struct SealedFileWriter: ~Copyable, Sendable {
    private let file: PosixFile
    private let directory: String
    private let name: SealedFileName
    private let key: SymmetricSecret
    private var pending: [UInt8] = []
    private var number: UInt32 = 0
    private var length = 0
    private var isFinished = false

    init(directory: SpoolDirectory) throws(SpoolError) { try self.init(folder: directory.files) }

    /// A new file in `folder`.
    init(folder: String) throws(SpoolError) {
        var generator = SystemRandomNumberGenerator()
        name = SealedFileName.random(using: &generator)
        key = SymmetricSecret.random()
        file = try PosixFile.create("\(folder)/\(name.hex)")
        directory = folder
        pending.reserveCapacity(SealedChunks.contentSize)
    }

    /// Adds content.
    public mutating func append(_ bytes: some Collection<UInt8>) throws(SpoolError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full chunk is written only when more follows: the last one is sealed differently.
            if pending.count == SealedChunks.contentSize { try write(isLast: false) }
            let piece = rest.prefix(SealedChunks.contentSize - pending.count)
            pending.append(contentsOf: piece)
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Writes the last chunk and waits until everything is on the disk.
    public consuming func finish() throws(SpoolError) -> FinishedFile {
        try write(isLast: true)
        try file.flush()
        try PosixDirectory.flush(directory)
        isFinished = true
        CrashPoint.reached(.fileFinished)
        return FinishedFile(name: name, length: length, key: key)
    }

    private mutating func write(isLast: Bool) throws(SpoolError) {
        let sealed: [UInt8]
        do {
            sealed = try SealedBox.seal(pending, key: key, nonce: SealedChunks.nonce(number, isLast: isLast))
        } catch { throw .malformed }
        let offset = Int(number) * SealedChunks.sealedSize
        let target = file
        let result: Result<Void, SpoolError> = sealed.withUnsafeBytes { bytes in
            Result { () throws(SpoolError) in try target.write(bytes, at: offset) }
        }
        try result.get()
        length += pending.count
        pending.removeAll(keepingCapacity: true)
        let (next, overflow) = number.addingReportingOverflow(1)
        if overflow { throw .malformed }
        number = next
    }

    deinit {
        // What cannot be deleted now is an orphan, which the next start deletes.
        if !isFinished { try? PosixDirectory.remove(file.path) }
    }
}
