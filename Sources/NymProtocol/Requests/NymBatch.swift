internal import Messages
internal import WireFormat

/// Reply blocks for an account's stock.
///
///     generation u32 | count u16 | block 7224 *
public struct NymBatch: Hashable, Sendable {
    /// A newer generation wipes the blocks of older ones; an older one is ignored.
    public let generation: UInt32
    /// 7,224 bytes each; opaque here.
    public let blocks: [[UInt8]]

    /// Most blocks of a batch: some 5.8 MB, which as text still fits into a message.
    public static let mostBlocks = 800
    /// Most blocks that any account may have.
    public static let mostStock = 2048

    /// `malformed` for blocks of another size, `tooLarge` for too many.
    public init(generation: UInt32, blocks: [[UInt8]]) throws(NymError) {
        guard blocks.count <= Self.mostBlocks else { throw .tooLarge("at most \(Self.mostBlocks) reply blocks") }
        guard blocks.allSatisfy({ $0.count == PayloadSize.replyBlock }) else { throw .malformed }
        self.generation = generation
        self.blocks = blocks
    }

    func write(to writer: inout WireWriter) {
        writer.integer(generation)
        writer.integer(UInt16(blocks.count))
        for block in blocks { writer.append(block) }
    }

    init(from reader: inout WireReader) throws {
        let generation = try reader.integer(UInt32.self)
        let count = Int(try reader.integer(UInt16.self))
        guard count <= Self.mostBlocks else { throw NymError.malformed }
        var blocks: [[UInt8]] = []
        blocks.reserveCapacity(count)
        for _ in 0..<count { blocks.append(Array(try reader.slice(PayloadSize.replyBlock))) }
        try self.init(generation: generation, blocks: blocks)
    }
}
