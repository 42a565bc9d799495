internal import Daemon

/// What is wrong with a keyring or with what is asked of it, in words for people.
enum KeyringError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    case foreign(String)
    case version(String)
    case damaged(String)
    case wrongPassphrase(String)
    case needsPassphrase(String)
    case passphraseChanged(String)
    case passphraseTooLong(Int)
    case passphraseUnreadable(String)
    case passphrasesDiffer
    case interrupted
    case full
    case badName(what: String, String)
    case reservedIdentity
    case taken(what: String, String)
    case unknown(what: String, String, command: String)

    var description: String {
        switch self {
        case .foreign(let path): "\(path) is not a keyring; move it away, or put the keyring back from a backup"
        case .version(let path):
            "the keyring \(path) was written by a newer nightjar; use that version (nothing was changed)"
        case .damaged(let path):
            "the keyring \(path) is damaged; put it back from a backup (without one its reply blocks, mailboxes and "
                + "keys are lost: move the file away to begin with a new one)"
        case .wrongPassphrase(let path):
            "the passphrase does not open the keyring \(path): it is wrong, or somebody has changed the file; try again, or "
                + "put the file back from a backup"
        case .needsPassphrase(let path):
            "the keyring \(path) has a passphrase and there is no terminal to ask for it; give it with --passphrase-fd N"
        case .passphraseChanged(let path):
            "the passphrase of the keyring \(path) was changed by another process meanwhile; try again"
        case .passphraseTooLong(let limit): "the passphrase is longer than \(limit) bytes; use a shorter one"
        case .passphraseUnreadable(let why): "cannot read the passphrase: \(why)"
        case .passphrasesDiffer: "the two passphrases differ; nothing was changed, try again"
        case .interrupted: "interrupted; nothing was changed"
        case .full: "the keyring is full; remove mailboxes or keys that you no longer use"
        case .badName(let what, let name):
            "\(Printable.text(name)) cannot be the name of \(what): use 1 to 32 lower-case letters, digits and single "
                + "hyphens, dots or underscores between them"
        case .reservedIdentity: "the identity `receipts` is for receipts only; choose another name"
        case .taken(let what, let name): "there is \(what) called \(Printable.text(name)) already; choose another name"
        case .unknown(let what, let name, let command):
            "there is no \(what) called \(Printable.text(name)); see `\(command)`"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .badName, .reservedIdentity, .taken, .unknown, .passphraseTooLong: .usage
        case .passphraseChanged: .temporary
        default: .failed
        }
    }
}

/// Names that people give to identities, keys, mailboxes and contacts. None can be taken for an address.
enum EntryName {
    static let longest = 32

    /// `name` if it is one.
    static func check(_ name: String, of what: String) throws(KeyringError) -> String {
        guard isValid(name) else { throw .badName(what: what, name) }
        return name
    }

    static func isValid(_ name: String) -> Bool {
        func isPlain(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard (1...longest).contains(bytes.count), isPlain(bytes.first), isPlain(bytes.last) else { return false }
        return zip(bytes, bytes.dropFirst()).allSatisfy { byte, next in
            isPlain(byte) || ([0x2D, 0x2E, 0x5F].contains(byte) && isPlain(next))
        }
    }
}
