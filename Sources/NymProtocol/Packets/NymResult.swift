internal import WireFormat

/// How a request went.
public enum NymResultCode: UInt8, Hashable, Sendable, CaseIterable {
    case done = 0
    /// Somebody has, or had, the name.
    case nameTaken = 1
    /// Nobody gets the name.
    case nameReserved = 2
    /// The work is less than `NymResult.bits` zero bits.
    case needsWork = 3
    /// The account may not do this; the text says what.
    case notAllowed = 4
    /// Too many mails sent of late; the allowance comes back by itself.
    case overBudget = 5
    case tooLarge = 6
    /// An address that no mail can go to.
    case badRecipient = 7
    /// A recipient wants no mail from here.
    case declined = 8
    /// An item that the server does not have, or no more.
    case unknownItem = 9
    /// No room: accounts, reply blocks, aliases.
    case full = 10
    case malformed = 11
    /// The account is closing.
    case closed = 12
}

/// The result of one request: `done`, or what the first command that failed met with. The others were executed.
///
///     device u64 | number u64 | command u8 | code u8 | bits u8 | length u8, text
public struct NymResult: Hashable, Sendable {
    public let device: UInt64
    public let number: UInt64
    /// Index of the command that failed; 0 if none did.
    public let command: UInt8
    public let code: NymResultCode
    /// Zero bits that are asked for, with `needsWork`; else 0.
    public let bits: UInt8
    /// For people, one line of at most 120 bytes; may be empty.
    public let text: String

    public static let longestText = 120

    /// Text is cut to its bound; what could deceive a terminal is left out of it.
    public init(
        device: UInt64, number: UInt64, command: UInt8 = 0, code: NymResultCode, bits: UInt8 = 0, text: String = ""
    ) {
        self.device = device
        self.number = number
        self.command = command
        self.code = code
        self.bits = bits
        self.text = NymText.line(text, atMost: Self.longestText)
    }

    func write(to writer: inout WireWriter) {
        writer.integer(device)
        writer.integer(number)
        writer.integer(command)
        writer.integer(code.rawValue)
        writer.integer(bits)
        writer.short(text)
    }

    init(from reader: inout WireReader) throws {
        device = try reader.integer()
        number = try reader.integer()
        command = try reader.integer()
        guard let code = NymResultCode(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        self.code = code
        bits = try reader.integer()
        text = try reader.short()
        guard text.utf8.count <= Self.longestText, isPlainLine(text) else { throw WireError.unknownValue }
    }
}

/// Foreign text made fit for one line.
enum NymText {
    /// `text` without what `isPlainLine` refuses, cut between characters to `limit` bytes.
    static func line(_ text: String, atMost limit: Int) -> String {
        var line = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars where isPlainLine(String(scalar)) {
            size += UTF8.width(scalar)
            guard size <= limit else { break }
            line.append(scalar)
        }
        return String(line)
    }
}
