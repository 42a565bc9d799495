// Cuts a text that comes in pieces into lines, for looking at it and for showing it: a line is never longer than what may be
// held, and never cut inside a character.

/// Lines of a text in pieces.
struct TextLines {
    /// Most bytes of a line that are held; a longer one comes in several.
    static let longest = 65_536
    private var pending: [UInt8] = []

    /// Gives every line that `piece` ends to `line`, without its end.
    mutating func consume(_ piece: [UInt8], _ line: (ArraySlice<UInt8>) throws -> Void) rethrows {
        var rest = piece[...]
        while let end = rest.firstIndex(of: 0x0A) {
            try give(rest[..<end], line)
            rest = rest[(end + 1)...]
        }
        pending += rest
        while pending.count > Self.longest {
            // Not before a continuation byte, unless there are only such.
            var cut = Self.longest
            while cut > Self.longest - 4, pending[cut] & 0xC0 == 0x80 { cut -= 1 }
            try line(pending[..<cut])
            pending.removeFirst(cut)
        }
    }

    /// Gives a last line that has no end.
    mutating func finish(_ line: (ArraySlice<UInt8>) throws -> Void) rethrows {
        if !pending.isEmpty { try give([], line) }
    }

    private mutating func give(_ end: ArraySlice<UInt8>, _ line: (ArraySlice<UInt8>) throws -> Void) rethrows {
        var whole = pending.isEmpty ? end : (pending + end)[...]
        if whole.last == 0x0D { whole = whole.dropLast() }
        try line(whole)
        pending.removeAll(keepingCapacity: true)
    }
}
