// Finds what was received in files: armor in mails of any form, quoted or not, several blocks in one text, or the binary form.
// A file may be of any size; one block is held at a time.

internal import Messages
internal import Sphinx

/// Reads text in pieces and gives the blocks of armor in it.
struct ArmorScanner {
    private static let begin = Array("-----BEGIN \(ArmorKind.message.rawValue)-----".utf8)
    private static let end = Array("-----END \(ArmorKind.message.rawValue)-----".utf8)
    /// Most bytes between the two lines: base64 of the largest block, with line ends and quoting.
    private static let limit = Armor.maximumSize * 2

    private var lines = TextLines()
    /// The lines of the block being read.
    private var block: [UInt8]?

    /// Takes the next piece.
    /// - Parameter found: is given each whole block; nil for one that does not decode or has no end.
    mutating func consume(_ piece: [UInt8], _ found: ([UInt8]?) throws -> Void) rethrows {
        var lines = lines
        try lines.consume(piece) { try line($0, found) }
        self.lines = lines
    }

    /// Call behind the last piece.
    mutating func finish(_ found: ([UInt8]?) throws -> Void) rethrows {
        var lines = lines
        try lines.finish { try line($0, found) }
        self.lines = lines
        if block != nil { try found(nil) }
        block = nil
    }

    private mutating func line(_ line: ArraySlice<UInt8>, _ found: ([UInt8]?) throws -> Void) rethrows {
        let bare = Self.bare(line)
        if bare.elementsEqual(Self.begin) {
            if block != nil { try found(nil) }
            block = Self.begin + [0x0A]
            return
        }
        guard block != nil else { return }
        // Quoted-printable (RFC 2045 section 6.7) writes the padding of base64 as =3D.
        block?.append(contentsOf: Self.unquoted(bare))
        block?.append(0x0A)
        if bare.elementsEqual(Self.end), let whole = block {
            block = nil
            let decoded = Armor.decode(String(decoding: whole, as: UTF8.self), kind: .message)
            try found(decoded.blocks.first)
        } else if let count = block?.count, count > Self.limit {
            block = nil
            try found(nil)
        }
    }

    /// Without quoting and blanks around it.
    private static func bare(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var line = line.drop { isBlank($0) || $0 == UInt8(ascii: ">") }
        while let last = line.last, isBlank(last) { line = line.dropLast() }
        return line
    }

    private static func unquoted(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var line = Array(line)
        let mark = Array("=3D".utf8)
        while line.count >= 3,
            let place = line.indices.dropLast(2).last(where: { line[$0..<$0 + 3].elementsEqual(mark) })
        {
            line.replaceSubrange(place..<place + 3, with: [0x3D])
        }
        return line
    }
}

/// A thing that was found in a file.
enum FoundMessage: Equatable {
    case message(ArmoredMessage)
    /// A block that does not decode.
    case damaged
    /// A block of a newer version.
    case newer

    init(_ block: [UInt8]?) {
        guard let block else {
            self = .damaged
            return
        }
        do throws(MessageError) {
            self = .message(try ArmoredMessage(decoding: block))
        } catch {
            self = error == .unknownVersion ? .newer : .damaged
        }
    }
}
