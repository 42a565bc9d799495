// Reads a sealed file piece by piece.

internal import MixCrypto

/// A cursor over a sealed file's content.
public struct SealedFileReader: Sendable {
    private let file: PosixFile
    private let key: SymmetricSecret
    private var number: UInt32 = 0
    private var left: Int
    private var isFinished = false
    /// Bytes of the content.
    public let length: Int

    init(file: PosixFile, key: SymmetricSecret, length: Int) {
        self.file = file
        self.key = key
        self.length = length
        left = length
    }

    /// The next 1 to 65,536 bytes; nil at the end. `damaged` if anything was changed, left out, moved or cut off; what
    /// was returned before is then part of a message that must not be delivered.
    public mutating func next() throws(SpoolError) -> [UInt8]? {
        if isFinished { return nil }
        let isLast = left <= SealedChunks.contentSize
        let count = min(left, SealedChunks.contentSize)
        // One byte more shows whether the file goes on behind its end.
        let sealed = try file.read(
            count + SealedBox.overhead + (isLast ? 1 : 0), at: Int(number) * SealedChunks.sealedSize)
        guard sealed.count == count + SealedBox.overhead else { throw .damaged }
        let content: [UInt8]
        do {
            content = try SealedBox.open(sealed, key: key, nonce: SealedChunks.nonce(number, isLast: isLast))
        } catch { throw .damaged }
        left -= content.count
        number &+= 1  // the writer ends before it would wrap
        isFinished = isLast
        return content.isEmpty ? nil : content
    }

    /// The bytes from `offset` on, `count` of them, wherever `next` is. Each is as authentic as those of `next`.
    public func bytes(at offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= length, count <= length - offset else { throw .malformed }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            let position = offset + result.count
            let (chunk, skipped) = position.quotientAndRemainder(dividingBy: SealedChunks.contentSize)
            var reader = SealedFileReader(file: file, key: key, length: length)
            reader.number = UInt32(clamping: chunk)
            reader.left = length - chunk * SealedChunks.contentSize
            guard let content = try reader.next() else { throw .damaged }
            result += content.dropFirst(skipped).prefix(count - result.count)
        }
        return result
    }

    /// All that is left, for messages known to be small.
    public mutating func rest() throws(SpoolError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(left)
        while let chunk = try next() { bytes += chunk }
        return bytes
    }
}
