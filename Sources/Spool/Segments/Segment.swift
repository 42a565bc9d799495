// One file of records under a key of its own. Immutable in memory: readers on any thread hold a reference, and may
// still read after the file's name is gone.

internal import MixCrypto

/// An open segment file. Its room is not reserved in advance: that saves a tenth of the writer's time at most and
/// would make every small spool 64 MiB large.
final class Segment: Sendable {
    let id: UInt32
    private let file: PosixFile
    private let key: SymmetricSecret

    init(id: UInt32, file: PosixFile, key: SymmetricSecret) {
        self.id = id
        self.file = file
        self.key = key
    }

    var path: String { file.path }

    /// Seals `body`, padded with zeros, into `slot`.
    func write(_ body: [UInt8], slot: Int) throws(SpoolError) {
        guard body.count <= Record.bodySize else { throw .malformed }
        let padded =
            body.count == Record.bodySize ? body : body + [UInt8](repeating: 0, count: Record.bodySize - body.count)
        let sealed: [UInt8]
        do { sealed = try SealedBox.seal(padded, key: key, nonce: Record.nonce(slot: slot)) } catch { throw .malformed }
        let result: Result<Void, SpoolError> = sealed.withUnsafeBytes { bytes in
            Result { () throws(SpoolError) in try file.write(bytes, at: slot * Record.sealedSize) }
        }
        try result.get()
    }

    /// The first `length` bytes of the body in `slot`.
    func read(slot: Int, length: Int) throws(SpoolError) -> [UInt8] {
        let sealed = try file.read(Record.sealedSize, at: slot * Record.sealedSize)
        guard sealed.count == Record.sealedSize else { throw .damaged }
        var body: [UInt8]
        do { body = try SealedBox.open(sealed, key: key, nonce: Record.nonce(slot: slot)) } catch { throw .damaged }
        if length < body.count { body.removeLast(body.count - length) }
        return body
    }

    func flush() throws(SpoolError) { try file.flush() }
    func size() throws(SpoolError) -> Int { try file.size() }
    /// Gives back the room behind the first `slots` records.
    func truncate(slots: Int) throws(SpoolError) { try file.truncate(to: slots * Record.sealedSize) }
}
