internal import WireFormat

/// By which way a message came, and with that to which of a user's names.
public enum MessageOrigin: Hashable, Sendable, CustomStringConvertible {
    /// An answer through a reply block of this identity.
    case identity(String)
    /// Sent to this mailbox.
    case mailbox(String)
    /// Sealed to this public key, and found in a file.
    case key(String)
    /// Out of a file, sealed to nobody: anybody could have made it.
    case file
    /// Mail from outside to this nym of ours, or what its server says; by its address.
    case nym(String)

    private var code: UInt8 {
        switch self {
        case .identity: 0
        case .mailbox: 1
        case .key: 2
        case .file: 3
        case .nym: 4
        }
    }

    /// The identity's, mailbox's or key's name, or the nym's address.
    public var name: String {
        switch self {
        case .identity(let name), .mailbox(let name), .key(let name), .nym(let name): name
        case .file: ""
        }
    }

    /// `identity`, `mailbox`, `key`, `file` or `nym`.
    public var kind: String {
        switch self {
        case .identity: "identity"
        case .mailbox: "mailbox"
        case .key: "key"
        case .file: "file"
        case .nym: "nym"
        }
    }

    /// `identity alice`
    public var description: String { self == .file ? kind : "\(kind) \(name)" }

    /// Whether it came through a reply block that only a nym's server has.
    var isOfNym: Bool { if case .identity(let name) = self { NymIdentity.isName(name) } else { false } }

    /// kind u8 | length u16 | name
    func write(to writer: inout WireWriter) {
        let text = Array(name.utf8.prefix(Int(UInt16.max)))
        writer.integer(code)
        writer.integer(UInt16(text.count))
        writer.append(text)
    }

    init(from reader: inout WireReader) throws(WireError) {
        let code = try reader.integer(UInt8.self)
        let name = try reader.text(Int(try reader.integer(UInt16.self)))
        switch code {
        case 0: self = .identity(name)
        case 1: self = .mailbox(name)
        case 2: self = .key(name)
        case 3 where name.isEmpty: self = .file
        case 4: self = .nym(name)
        default: throw .unknownValue
        }
    }
}
