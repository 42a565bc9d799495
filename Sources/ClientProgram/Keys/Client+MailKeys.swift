// `nightjar key`: keys of our own that others seal mail to, and theirs.

internal import Daemon
private import Glibc
internal import MixCrypto
internal import WireFormat

/// A key as JSON.
private struct KeyReport: Encodable {
    var name: String
    var created: String?
    var fingerprint: String
    /// Armor.
    var publicKey: String?
}

extension Client {
    /// Makes a key.
    public func makeKey(_ name: String, passphrase: PassphraseSource) throws {
        let key = try Keyring.open(self, passphrase: passphrase).makeKey(name, at: time.clock.now())
        try terminal.print(key.publicKey.fingerprint.description)
        note(
            "hand on the key with `nightjar key export \(key.name)`, and the line above by another way, so that people can "
                + "compare it; keep a copy of \(places.keyring)")
    }

    /// Shows our keys.
    public func listKeys(passphrase: PassphraseSource, json: Bool) throws {
        let keys = try Keyring.open(self, passphrase: passphrase).keys()
        if json {
            let reports = keys.map {
                KeyReport(
                    name: $0.name, created: $0.created.description, fingerprint: $0.publicKey.fingerprint.description)
            }
            return try terminal.print(JSONText.encode(reports))
        }
        guard !keys.isEmpty else { return note("there are no keys yet; make one with `nightjar key new NAME`") }
        var table = TextTable(["KEY", "SINCE", "FINGERPRINT"])
        for key in keys { table.add([key.name, key.created.description, key.publicKey.fingerprint.description]) }
        for line in table.lines { try terminal.print(line) }
    }

    /// Shows one of our keys, or a contact's.
    public func showKey(_ name: String?, qr: Bool, passphrase: PassphraseSource, json: Bool) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let (shown, created, publicKey): (String, Timestamp?, KEMPublicKey)
        if let name, try !keyring.keys().contains(where: { $0.name == name }), let other = try contact(name),
            let key = other.key
        {
            (shown, created, publicKey) = ("\(name) (contact)", nil, key)
        } else {
            let key = try ownKey(name, keyring)
            (shown, created, publicKey) = (key.name, key.created, key.publicKey)
        }
        if json {
            let report = KeyReport(
                name: shown, created: created?.description, fingerprint: publicKey.fingerprint.description,
                publicKey: PublicKeyText.armor(publicKey))
            return try terminal.print(JSONText.encode(report))
        }
        try terminal.print("key          \(shown)")
        if let created { try terminal.print("since        \(created)") }
        try terminal.print("fingerprint  \(publicKey.fingerprint)")
        if qr { try showQR(publicKey) }
    }

    /// Writes a public key as armor, or shows it as a QR code.
    public func exportKey(_ name: String?, output: String?, qr: Bool, passphrase: PassphraseSource) throws {
        let key = try ownKey(name, Keyring.open(self, passphrase: passphrase)).publicKey
        let armor = PublicKeyText.armor(key)
        if let output {
            try AtomicFile.write(text: armor, to: output, mode: 0o644)
        } else if !qr {
            try terminal.write(bytes: Array(armor.utf8))
        }
        if qr { try showQR(key) }
        note("fingerprint: \(key.fingerprint)")
    }

    /// Keeps somebody's public key under a contact's name.
    public func importKey(_ file: String, name: String?, fingerprint: String?, replace: Bool) throws {
        let key = try publicKey(file, fingerprint: fingerprint)
        let fallback = String((file.split(separator: "/").last ?? "").prefix { $0 != "." }).lowercased()
        guard let name = name ?? (EntryName.isValid(fallback) ? fallback : nil) else {
            throw CommandFailure("whose key is it? give the contact a name with --name NAME", code: .usage)
        }
        try changeContact(name) { contact in try contact.take(key: key, replace: replace) }
        try terminal.print(key.fingerprint.description)
        note(
            fingerprint == nil
                ? "this is now the key of the contact \(name); compare the line above with its owner, by telephone for example"
                : "this is now the key of the contact \(name)")
    }

    /// Destroys a key of ours.
    public func deleteKey(_ name: String, isConfirmed: Bool, passphrase: PassphraseSource) throws {
        guard isConfirmed else {
            throw CommandFailure(
                "mail that is sealed to the key \(Printable.text(name)) can never be read again; add --yes if that is meant",
                code: .usage)
        }
        try Keyring.open(self, passphrase: passphrase).removeKey(name)
        note("the key \(name) is gone")
    }

    /// A public key that must have the fingerprint.
    func publicKey(_ source: String, fingerprint: String?) throws -> KEMPublicKey {
        let key = try PublicKeyText.read(source)
        guard let fingerprint else { return key }
        let wanted: KeyFingerprint
        do throws(CryptoError) {
            wanted = try KeyFingerprint(fingerprint)
        } catch {
            throw PublicKeyError.fingerprint(fingerprint)
        }
        guard wanted == key.fingerprint else { throw PublicKeyError.mismatch(wanted: wanted, found: key.fingerprint) }
        return key
    }

    private func ownKey(_ name: String?, _ keyring: Keyring) throws -> OwnKeyInfo {
        guard let key = try keyring.key(name) else {
            throw CommandFailure("there are no keys yet; make one with `nightjar key new NAME`", code: .usage)
        }
        return key
    }

    private func showQR(_ key: KEMPublicKey) throws {
        guard let code = QRCode(PublicKeyText.mark(key)) else {
            throw CommandFailure("there is no memory for the QR code", code: .temporary)
        }
        if terminal.outputIsTerminal, let columns = Self.columns, columns < code.columns {
            throw CommandFailure(
                "the QR code needs \(code.columns) columns and \(code.columns / 2) lines, and the terminal has \(columns) columns; "
                    + "make the window larger or its letters smaller")
        }
        for line in code.lines(colored: terminal.outputIsTerminal) { try terminal.print(line) }
    }

    /// Width of the terminal that results go to.
    private static var columns: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
