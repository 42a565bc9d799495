// zlib (RFC 1950): whole bodies in, bodies in bounded pieces out. The only file that calls the library.

internal import CZlib

/// Compression of a body.
enum Compression {
    /// `bytes` in zlib form at the default level; all clients use the same one, so that it tells them not apart. Nil if
    /// zlib fails.
    static func deflate(_ bytes: [UInt8]) -> [UInt8]? {
        var length = compressBound(uLong(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(length))
        guard compress2(&output, &length, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION) == Z_OK else { return nil }
        output.removeSubrange(Int(length)...)
        return output
    }

    /// Whether a compressed body of this length may stand for a body of that one: 64 KiB always, beyond that at most
    /// 20 times the compressed length. Both lengths are known before anything is inflated.
    static func mayInflate(_ compressed: Int, to length: Int) -> Bool {
        // Neither exceeds 32 bits, so that the product fits.
        length <= max(MessageLimits.inflationAllowance, compressed * MessageLimits.inflationRatio)
    }
}

/// A zlib stream that is made step by step, the same as `Compression.deflate` makes in one. Owns its state; some 260 KiB
/// of memory whatever the stream.
struct Deflater: ~Copyable {
    // zlib keeps a pointer to this struct in its state, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private static let step = 64 << 10

    init() throws(MessageError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard deflateInit_(stream, Z_DEFAULT_COMPRESSION, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            stream.deallocate()
            throw .outOfMemory
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Deflates all of `bytes`, which end the stream, and gives what comes of them in pieces of at most 64 KiB.
    mutating func deflate(_ bytes: [UInt8], to sink: ([UInt8]) throws -> Void) throws {
        try bytes.withUnsafeBufferPointer { source in
            // zlib reads through this pointer and does not write; its declaration says so only with ZLIB_CONST.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: source.count)
            var code = Z_OK
            while code != Z_STREAM_END {
                let piece = [UInt8](unsafeUninitializedCapacity: Self.step) { buffer, count in
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = UInt32(Self.step)
                    code = CZlib.deflate(stream, Z_FINISH)
                    count = Self.step - Int(stream.pointee.avail_out)
                    stream.pointee.next_out = nil
                }
                guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                    throw MessageError.outOfMemory
                }
                guard !piece.isEmpty || code == Z_STREAM_END else { throw MessageError.outOfMemory }
                try sink(piece)
            }
            stream.pointee.next_in = nil
        }
    }
}

/// A zlib stream that is inflated step by step. Owns its state; some 40 KiB of memory whatever the stream.
struct Inflater: ~Copyable, @unchecked Sendable {
    // zlib keeps a pointer to this struct in its state, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(MessageError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .outOfMemory
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// What one step did.
    struct Step {
        /// At most as many bytes as asked for.
        var output: [UInt8]
        /// Bytes of input that were used.
        var consumed: Int
        /// The stream has ended and its checksum was right.
        var ended: Bool
    }

    /// Inflates from `input` until it is used up, `limit` bytes (at least 1) are out, or the stream ends.
    mutating func step(_ input: ArraySlice<UInt8>, limit: Int) throws(MessageError) -> Step {
        var code = Z_OK
        var consumed = 0
        let output = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            input.withUnsafeBufferPointer { source in
                // zlib reads through this pointer and does not write; its declaration says so only with ZLIB_CONST.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(clamping: source.count)
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(clamping: limit)
                code = inflate(stream, Z_NO_FLUSH)
                consumed = source.count - Int(stream.pointee.avail_in)
                count = limit - Int(stream.pointee.avail_out)
                stream.pointee.next_in = nil
                stream.pointee.next_out = nil
            }
        }
        switch code {
        case Z_OK, Z_BUF_ERROR: return Step(output: output, consumed: consumed, ended: false)
        case Z_STREAM_END: return Step(output: output, consumed: consumed, ended: true)
        case Z_MEM_ERROR: throw .outOfMemory
        default: throw .malformedCompression
        }
    }
}
