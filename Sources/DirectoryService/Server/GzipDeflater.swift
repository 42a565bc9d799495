// Makes gzip streams (RFC 1952) of whole documents, in steps, so that other work can go on between them.

internal import CZlib

/// One gzip stream; some 260 KiB of memory whatever the stream.
final class GzipDeflater {
    // zlib keeps a pointer to this struct in its state, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var output: [UInt8] = []
    private static let step = 64 << 10

    /// Nil if there is no memory.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip form; the usual memory level.
        guard
            deflateInit2_(
                stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            stream.deinitialize(count: 1)
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Deflates `input`, which is the last if `ends`; false if zlib fails.
    func deflate(_ input: UnsafeRawBufferPointer, ends: Bool) -> Bool {
        let source = input.bindMemory(to: UInt8.self)
        // zlib reads through this pointer and does not write; its declaration says so only with ZLIB_CONST.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: source.count)
        defer { stream.pointee.next_in = nil }
        while true {
            var code = Z_OK
            let piece = [UInt8](unsafeUninitializedCapacity: Self.step) { buffer, count in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(Self.step)
                code = CZlib.deflate(stream, ends ? Z_FINISH : Z_NO_FLUSH)
                count = Self.step - Int(stream.pointee.avail_out)
                stream.pointee.next_out = nil
            }
            output += piece
            switch code {
            case Z_STREAM_END: return ends
            // No progress is possible: all input is used and all output taken.
            case Z_OK, Z_BUF_ERROR: if piece.count < Self.step { return !ends && stream.pointee.avail_in == 0 }
            default: return false
            }
        }
    }
}
