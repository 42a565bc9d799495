// What somebody gives us so that we can write to him: his mailbox, a token that it lets us in by, and his key, in one
// piece of armor. Whoever gets hold of a card can do what it says, so cards travel by trusted ways.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// A contact card.
///
///     version 1 u8 | flags u8 (1 key, 2 introduction) | address: length u16, text | key 1216 | introduction 16
///     | first 8 bytes of the SHA-256 of all before
struct ContactCard: Hashable, Sendable {
    let address: Address
    var key: KEMPublicKey?
    var introduction: MailboxToken?

    private static let checkSize = 8

    private var body: [UInt8] {
        var writer = WireWriter()
        writer.integer(UInt8(1))
        writer.integer(UInt8((key == nil ? 0 : 1) | (introduction == nil ? 0 : 2)))
        writer.integer(UInt16(clamping: address.description.utf8.count))
        writer.append(address.description.utf8)
        if let key { writer.append(key.bytes) }
        if let introduction { writer.fixed(introduction) }
        return writer.bytes
    }

    /// The whole as armor.
    var armor: String { Armor.encode(body + Digest.sha256(body).bytes.prefix(Self.checkSize), kind: .contact) }

    init(address: Address, key: KEMPublicKey? = nil, introduction: MailboxToken? = nil) {
        self.address = address
        self.key = key
        self.introduction = introduction
    }

    /// Reads the one card in a text.
    /// - Throws: `ContactCardError`.
    init(armor text: String) throws(ContactCardError) {
        let (blocks, damaged) = Armor.decode(text, kind: .contact)
        guard let block = blocks.first else { throw damaged > 0 ? .damaged : .none }
        guard blocks.count == 1 else { throw .several(blocks.count) }
        guard block.first == 1 else { throw .version }
        let end = block.count - Self.checkSize
        guard end > 0, Digest.sha256(Array(block[..<end])).bytes.prefix(Self.checkSize).elementsEqual(block[end...])
        else { throw .damaged }
        do {
            var reader = WireReader(block[1..<end])
            let flags = try reader.integer(UInt8.self)
            guard flags < 4 else { throw WireError.unknownValue }
            address = try Address(canonical: try reader.text(Int(try reader.integer(UInt16.self))))
            key = flags & 1 == 0 ? nil : try KEMPublicKey(try reader.slice(KEM.publicKeySize))
            introduction = flags & 2 == 0 ? nil : try reader.fixed()
            try reader.end()
        } catch {
            throw .version
        }
    }
}

/// Why a text is no contact card, in words for people.
enum ContactCardError: Error, Equatable, CustomStringConvertible {
    case none, damaged, version
    case several(Int)

    var description: String {
        switch self {
        case .none: "there is no contact card in it; a card is made with `nightjar contact introduce`"
        case .damaged: "the contact card is damaged; have it sent again"
        case .version: "the contact card is of a kind that this version does not know; use a newer nightjar"
        case .several(let count): "there are \(count) contact cards in it; take one alone"
        }
    }
}
