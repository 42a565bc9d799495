// Memory that all peers share, such as for the bodies that are being posted. Bytes count when they come, not when they are
// announced; when it is full, whoever holds most gives way to whoever holds less, so that few peers cannot keep the others
// out by holding on to much. Pure.

/// The bytes that peers hold, each of them in any number of pieces.
struct ByteBudget<Holder: Hashable & Sendable>: Sendable {
    typealias Piece = UInt64

    /// What came of more bytes.
    struct Outcome: Hashable {
        /// Whether there was room for them.
        let isTaken: Bool
        /// Pieces of others that are not counted any more, and whose connections must end.
        let cut: [Piece]
    }

    private struct Entry {
        let holder: Holder
        var bytes = 0
    }

    private let most: Int
    private var entries: [Piece: Entry] = [:]
    private var held: [Holder: Int] = [:]
    private var lastPiece: Piece = 0
    /// Bytes counted, of all.
    private(set) var bytes = 0

    init(most: Int) { self.most = most }

    /// Pieces that are open.
    var pieces: Int { entries.count }

    /// Opens a piece, which has no bytes yet.
    mutating func open(_ holder: Holder) -> Piece {
        lastPiece += 1
        entries[lastPiece] = Entry(holder: holder)
        return lastPiece
    }

    /// Counts `count` more bytes of a piece, unless its holder would then hold more than `mostOfHolder`, or there is no room
    /// and nobody holds more. A piece that was cut takes nothing.
    mutating func add(_ count: Int, to piece: Piece, mostOfHolder: Int) -> Outcome {
        guard let holder = entries[piece]?.holder else { return Outcome(isTaken: false, cut: []) }
        let after = held[holder, default: 0] + count
        guard after <= mostOfHolder, count <= most else { return Outcome(isTaken: false, cut: []) }
        var cut: [Piece] = []
        while bytes + count > most {
            guard let greediest = held.max(by: { $0.value < $1.value }), greediest.value > after,
                let oldest = entries.filter({ $0.value.holder == greediest.key && $0.value.bytes > 0 }).keys.min()
            else { return Outcome(isTaken: false, cut: cut) }
            close(oldest)
            cut.append(oldest)
        }
        entries[piece]?.bytes += count
        held[holder] = after
        bytes += count
        return Outcome(isTaken: true, cut: cut)
    }

    /// Gives the bytes of a piece back; nothing if that was done.
    mutating func close(_ piece: Piece) {
        guard let entry = entries.removeValue(forKey: piece), entry.bytes > 0 else { return }
        bytes -= entry.bytes
        let left = held[entry.holder, default: 0] - entry.bytes
        held[entry.holder] = left > 0 ? left : nil
    }
}
