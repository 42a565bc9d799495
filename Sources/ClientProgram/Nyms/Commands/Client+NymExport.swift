// `nightjar nym export` and `nym import`: a nym in one file, sealed under a passphrase of its own.
//
//     file = "nightjar nym 1\n" | work 24 | nonce 12 | AES-256-GCM(Argon2id(passphrase), aad = what is before) of the
//   grant,
//            zeros to a multiple of 4096 behind its length u32

internal import Daemon
internal import Messages
internal import MixCrypto
internal import NymProtocol
internal import Spool
internal import WireFormat

/// The file of an exported nym.
enum NymExport {
    private static let magic = Array("nightjar nym 1\n".utf8)
    private static let headSize = magic.count + PasswordKey.size + SealedBox.nonceSize
    private static let step = 4096
    static let sizeLimit = 64 << 10

    /// The file's bytes.
    static func encode(
        _ grant: NymGrant, passphrase: Passphrase, using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        let work = PasswordKey.new(protects: !passphrase.isEmpty, using: &generator)
        let key = try passphrase.key(work)
        let head = magic + work.encoded + generator.bytes(SealedBox.nonceSize)
        return try grant.withEncoded { bytes in
            var writer = WireWriter(capacity: step)
            writer.integer(UInt32(bytes.count))
            writer.append(bytes)
            writer.zeros((step - writer.bytes.count % step) % step)
            var plain = writer.bytes
            writer = WireWriter()
            defer { plain.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
            return head
                + (try SealedBox.seal(
                    plain, key: key, nonce: Array(head.suffix(SealedBox.nonceSize)), authenticating: head))
        }
    }

    /// What a file's passphrase costs to try; nil if it is no exported nym.
    static func work(_ bytes: [UInt8]) -> PasswordKey? {
        guard bytes.starts(with: magic), bytes.count > headSize + SealedBox.overhead else { return nil }
        return try? PasswordKey(decoding: bytes[magic.count..<magic.count + PasswordKey.size])
    }

    /// The nym in a file; nil if the passphrase does not open it.
    static func decode(_ bytes: [UInt8], key: SymmetricSecret) throws -> NymGrant? {
        let head = Array(bytes[..<headSize])
        var plain: [UInt8]
        do {
            plain = try SealedBox.open(
                Array(bytes[headSize...]), key: key, nonce: Array(head.suffix(SealedBox.nonceSize)),
                authenticating: head)
        } catch CryptoError.notAuthentic {
            return nil
        }
        defer { plain.withUnsafeMutableBytes { ConstantTime.wipe($0) } }
        var reader = WireReader(plain)
        return try NymGrant(decoding: Array(try reader.slice(Int(try reader.integer(UInt32.self)))))
    }
}

extension Client {
    /// Writes a nym to a file.
    /// - Parameter new: where the file's passphrase comes from; the terminal is asked twice.
    public func exportNym(
        _ text: String, to path: String, passphrase: PassphraseSource, new: PassphraseSource
    ) throws {
        let keyring = try Keyring.open(self, passphrase: passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        let nym = try nym(text, keyring: keyring, book: book).nym
        guard !ClientPlaces.isThere(path) else {
            throw CommandFailure("\(path) is there already; choose another name", code: .usage)
        }
        let chosen = try exportPassphrase(new)
        guard !chosen.isEmpty else {
            throw CommandFailure(
                "a passphrase is needed: whoever has the file has the nym; nothing was written", code: .usage)
        }
        var generator = SystemRandomNumberGenerator()
        let bytes = try NymExport.encode(
            keyring.grant(of: nym, try book.state(nym.address)), passphrase: chosen, using: &generator)
        try AtomicFile.write(bytes, to: path)
        note(
            "\(nym.address) is in \(path); with the passphrase the file is the nym, so keep it as you keep the keyring")
    }

    private func exportPassphrase(_ source: PassphraseSource) throws -> Passphrase {
        switch source {
        case .none: return .empty
        case .descriptor(let descriptor): return try Passphrase.read(descriptor)
        case .terminal:
            guard let first = try TerminalPassphrase.ask("passphrase for the file: ") else {
                throw CommandFailure(
                    "there is no terminal to ask for the file's passphrase; give it with --file-passphrase-fd N",
                    code: .usage)
            }
            guard !first.isEmpty else { return first }
            guard let second = try TerminalPassphrase.ask("the same once more: "), first.equals(second) else {
                throw KeyringError.passphrasesDiffer
            }
            return first
        }
    }

    /// Takes a nym out of a file. Its mails come to the device that it was exported from until this one takes it over.
    public func importNym(_ path: String, passphrase: PassphraseSource, file source: PassphraseSource) throws {
        let bytes = try AtomicFile.read(path, limit: NymExport.sizeLimit)
        guard let work = NymExport.work(bytes) else { throw NymClientError.notAnExport(path) }
        let chosen: Passphrase
        switch source {
        case .none: chosen = .empty
        case .descriptor(let descriptor): chosen = try Passphrase.read(descriptor)
        case .terminal:
            guard let typed = try TerminalPassphrase.ask("passphrase of \(path): ") else {
                throw CommandFailure(
                    "there is no terminal to ask for the file's passphrase; give it with --file-passphrase-fd N",
                    code: .usage)
            }
            chosen = typed
        }
        let grant: NymGrant
        do {
            guard let found = try NymExport.decode(bytes, key: chosen.key(work)) else {
                throw NymClientError.wrongPassphrase(path)
            }
            grant = found
        } catch is WireError {
            throw NymClientError.notAnExport(path)
        } catch CryptoError.malformed {
            throw NymClientError.notAnExport(path)
        }
        let keyring = try Keyring.open(self, passphrase: passphrase)
        try keyring.add(grant)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        if try book.state(grant.nym.address) == nil {
            var generator = SystemRandomNumberGenerator()
            var state = NymState(
                device: generator.next(), packets: grant.packets, created: time.clock.now(), isPrimary: false)
            state.stage = .active
            state.generation = grant.generation
            try book.begin(grant.nym.address, state)
        }
        try terminal.print(grant.nym.address)
        note(
            "it can send from here now; to have its mail come here, and to another device no more: nightjar nym check "
                + "\(grant.nym.address) --renew")
    }
}
