// The compressed forms of what is served often. Each is made once, one at a time, and kept until the memory for them is full; then
// the one that was not wanted for longest goes.

internal import NIOCore

/// A bounded cache of gzip streams.
actor CompressedDocuments {
    /// Shorter documents gain nothing.
    static let shortest = 1024
    /// Documents that may wait to be compressed; further ones are sent as they are.
    static let mostWaiting = 4
    private static let step = 256 << 10

    private struct Key: Hashable {
        let tag: String
        /// The same document may have further signatures.
        let count: Int
    }

    private struct Entry {
        /// Nil if it is not worth it.
        let stream: ByteBuffer?
        var used: UInt64
    }

    private let mostBytes: Int
    private var entries: [Key: Entry] = [:]
    private var underWay: [Key: Task<ByteBuffer?, Never>] = [:]
    private var last: Task<ByteBuffer?, Never>?
    private var bytes = 0
    private var clock: UInt64 = 0

    init(mostBytes: Int) { self.mostBytes = mostBytes }

    /// Bytes of memory for the streams kept.
    var keptBytes: Int { bytes }

    /// The gzip stream of a document; nil if it should be sent as it is.
    func stream(of document: ServedDocument) async -> ByteBuffer? {
        guard document.count >= Self.shortest, document.count <= mostBytes, document.kind != .png else { return nil }
        let key = Key(tag: document.tag, count: document.count)
        clock += 1
        if let entry = entries[key] {
            entries[key]?.used = clock
            return entry.stream
        }
        if let task = underWay[key] { return await task.value }
        guard underWay.count < Self.mostWaiting else { return nil }
        let before = last
        let task = Task(priority: .utility) { [body = document.body] in
            _ = await before?.value  // One at a time, so that no more than one core is ever at it.
            return await Self.compress(body)
        }
        last = task
        underWay[key] = task
        let stream = await task.value
        underWay[key] = nil
        if underWay.isEmpty { last = nil }
        keep(stream, key)
        return stream
    }

    private func keep(_ stream: ByteBuffer?, _ key: Key) {
        entries[key] = Entry(stream: stream, used: clock)
        bytes += Self.cost(stream)
        while bytes > mostBytes, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
            entries[oldest.key] = nil
            bytes -= Self.cost(oldest.value.stream)
        }
    }

    private static func cost(_ stream: ByteBuffer?) -> Int { (stream?.readableBytes ?? 0) + 256 }

    @concurrent private static func compress(_ body: ByteBuffer) async -> ByteBuffer? {
        guard let deflater = GzipDeflater() else { return nil }
        var rest = body
        while let piece = rest.readSlice(length: min(step, rest.readableBytes)) {
            let ends = rest.readableBytes == 0
            guard piece.withUnsafeReadableBytes({ deflater.deflate($0, ends: ends) }) else { return nil }
            if ends { break }
            await Task.yield()
        }
        let stream = deflater.output
        return stream.count < body.readableBytes ? ByteBuffer(bytes: stream) : nil
    }
}
