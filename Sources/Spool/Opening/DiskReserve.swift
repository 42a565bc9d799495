// Room kept back on the disk. Deleting rows needs room for the write-ahead log; without a reserve a full disk could not
// be emptied. While it is used up no body is stored.

/// A file of nothing that can be given up.
struct DiskReserve: Sendable {
    let path: String
    let bytes: Int
    /// Whether the room is kept.
    private(set) var isHeld = false

    init(path: String, bytes: Int) {
        self.path = path
        self.bytes = bytes
    }

    /// Takes the room if it is not held; false if the disk has not got it.
    mutating func take() throws(SpoolError) -> Bool {
        if isHeld || bytes <= 0 { return true }
        do {
            try PosixFile.openOrCreate(path).reserve(bytes)
            isHeld = true
        } catch  where error.isDiskFull {
            try PosixDirectory.remove(path)
        }
        return isHeld
    }

    /// Gives the room up; false if there was none.
    mutating func give() throws(SpoolError) -> Bool {
        guard isHeld else { return false }
        isHeld = false
        try PosixDirectory.remove(path)
        return true
    }
}
