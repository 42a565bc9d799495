// The Maildir that Dovecot, or a mail program by itself, serves: everything that comes, one folder for each nym. Folders
// are those of Maildir++, `.name` beside `cur`, `new` and `tmp`; a dot in a name would make a folder in a folder of it.

internal import Daemon
internal import Exits
private import Glibc
internal import WireFormat

/// Received mail for mail programs.
struct GatewayMaildir: Sendable {
    /// Absolute path of the Maildir, which is the inbox.
    let path: String

    /// Makes the Maildir, mode 0700, and its parents.
    func make() throws {
        let root = try PrivateDirectory(path)
        for name in ["cur", "new", "tmp"] { _ = try root.directory(name) }
    }

    /// Where mail of this origin goes; makes its folder.
    func place(for origin: MessageOrigin) throws -> String {
        guard case .nym(let address) = origin else { return path }
        return try folder(Self.folderName(of: address))
    }

    /// `alice@nym.example` is `alice@nym_example`, and `a_b@nym.example` is `a_+b@nym_example`: no two share a folder.
    static func folderName(of address: String) -> String {
        let bytes = address.lowercased().utf8.prefix(200).flatMap { byte -> [UInt8] in
            switch byte {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "@"), UInt8(ascii: "-"): [byte]
            case UInt8(ascii: "_"): Array("_+".utf8)
            default: [UInt8(ascii: "_")]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func folder(_ name: String) throws -> String {
        let folder = "\(path)/.\(name)"
        let mark = "\(folder)/maildirfolder"
        guard !ClientPlaces.isThere(mark) else { return folder }
        let made = try PrivateDirectory(folder)
        for part in ["cur", "new", "tmp"] { _ = try made.directory(part) }
        try subscribe(name)
        // Last, so that a crash before it does all of this again.
        try AtomicFile.write([], to: mark)
        return folder
    }

    /// Mail programs show folders that are subscribed. Both forms of the file take a line with the name.
    private func subscribe(_ name: String) throws {
        let file = "\(path)/subscriptions"
        var text =
            ClientPlaces.isThere(file) ? String(decoding: try AtomicFile.read(file, limit: 1 << 20), as: UTF8.self) : ""
        guard !text.split(separator: "\n").contains(where: { $0 == name }) else { return }
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        try AtomicFile.write(text: text + name + "\n", to: file)
    }

    /// Puts a text of our own into the inbox; the same `token` again puts nothing there.
    func deliver(head: [UInt8], body: [UInt8], token: Digest) throws {
        let result = MaildirDelivery(path: path).store(head: head, body: ExitBody(bytes: body), token: token)
        guard case .delivered = result.outcome else {
            throw CommandFailure(
                "cannot write a mail into the Maildir \(path); see that it can be written and that there is room",
                code: .temporary)
        }
    }
}
