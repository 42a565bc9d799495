// What an exit must know of a body before it sends it, gathered in one pass without keeping the body.

/// Properties of a body, as it will be on the wire.
public struct BodyFacts: Hashable, Sendable {
    /// Bytes with CRLF line ends and a final one, before dot-stuffing.
    public var wireBytes: Int
    /// The longest line in bytes, without its end.
    public var longestLine: Int
    /// Whether any byte is over 127.
    public var hasEightBit: Bool
    /// Whether any byte is zero.
    public var hasZeroByte: Bool
    /// Whether a line begins as armor does (`-----BEGIN `): what is signed or sealed.
    public var hasArmor: Bool

    public init(wireBytes: Int, longestLine: Int, hasEightBit: Bool, hasZeroByte: Bool, hasArmor: Bool = false) {
        self.wireBytes = wireBytes
        self.longestLine = longestLine
        self.hasEightBit = hasEightBit
        self.hasZeroByte = hasZeroByte
        self.hasArmor = hasArmor
    }

    /// The longest line that mail carries, in bytes without CRLF. RFC 5322 section 2.1.1.
    public static let maximumLine = 998

    /// Why mail cannot carry such a body unaltered; nil if it can.
    public var refusal: RefusalReason? {
        if hasZeroByte { return .zeroByteInBody }
        return longestLine > Self.maximumLine ? .longBodyLine : nil
    }
}

/// Gathers `BodyFacts` from the pieces of a body.
public struct BodyScan: Sendable {
    private var wireBytes = 0
    private var line = 0
    private var longest = 0
    private var highBits: UInt8 = 0
    private var hasZeroByte = false
    private var afterReturn = false
    /// How much of the line so far is that of armor.
    private var armorMatched = 0
    private var hasArmor = false
    private static let armor = Array("-----BEGIN ".utf8)

    public init() {}

    /// Takes the next piece.
    public mutating func update(_ piece: [UInt8]) {
        for byte in piece {
            if byte == 0x0A || byte == 0x0D {
                // Every CR, LF or CRLF ends one line.
                if byte == 0x0A, afterReturn {
                    afterReturn = false
                    continue
                }
                wireBytes += line + 2
                longest = max(longest, line)
                line = 0
                armorMatched = 0
                afterReturn = byte == 0x0D
            } else {
                afterReturn = false
                if armorMatched == line, line < Self.armor.count, byte == Self.armor[line] {
                    armorMatched += 1
                    if armorMatched == Self.armor.count { hasArmor = true }
                }
                line += 1
                highBits |= byte
                if byte == 0 { hasZeroByte = true }
            }
        }
    }

    /// The facts of all pieces so far.
    public func finish() -> BodyFacts {
        BodyFacts(
            wireBytes: wireBytes + (line > 0 ? line + 2 : 0), longestLine: max(longest, line),
            hasEightBit: highBits >= 0x80,
            hasZeroByte: hasZeroByte, hasArmor: hasArmor)
    }
}
