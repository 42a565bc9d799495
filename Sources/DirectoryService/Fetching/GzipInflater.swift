// Inflates a gzip stream (RFC 1952) as it comes in, up to a limit: a small body that inflates to a huge one is cut there.

internal import CZlib

/// One gzip stream; some 40 KiB of memory whatever the stream.
final class GzipInflater {
    // zlib keeps a pointer to this struct in its state, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private static let step = 64 << 10
    /// The stream has ended and its checksum was right.
    private(set) var ended = false

    init() throws(FetchError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip form alone.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deinitialize(count: 1)
            stream.deallocate()
            throw .malformed("no memory to decompress it")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Inflates all of `input` onto `output`, which must not grow past `limit` bytes.
    func inflate(_ input: UnsafeRawBufferPointer, onto output: inout [UInt8], limit: Int) throws(FetchError) {
        let source = input.bindMemory(to: UInt8.self)
        // zlib reads through this pointer and does not write; its declaration says so only with ZLIB_CONST.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: source.count)
        defer {
            stream.pointee.next_in = nil
            stream.pointee.avail_in = 0
        }
        var mayHoldMore = !input.isEmpty
        while mayHoldMore {
            guard !ended else { throw .malformed("something follows its compressed body") }
            // One byte more than may be, to learn whether it wants to be too long.
            let room = min(Self.step, limit - output.count + 1)
            var code = Z_OK
            let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(room)
                code = CZlib.inflate(stream, Z_NO_FLUSH)
                count = room - Int(stream.pointee.avail_out)
                stream.pointee.next_out = nil
            }
            guard output.count + piece.count <= limit else { throw .tooLarge(limit) }
            output += piece
            switch code {
            case Z_OK: break
            case Z_STREAM_END: ended = true
            // No progress is possible: all input is used.
            case Z_BUF_ERROR where stream.pointee.avail_in == 0: break
            default: throw .malformed("its compressed body is damaged")
            }
            // When there was no more room, zlib may hold output back.
            mayHoldMore = stream.pointee.avail_in > 0 || (piece.count == room && !ended)
        }
    }
}
