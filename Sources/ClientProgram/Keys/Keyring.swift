// The keyring: the secrets of a user, in one sealed file. Opened once for a command; changed under a lock, each time from
// what the file holds then, so that several processes at once lose nothing.

internal import Daemon
private import Glibc
internal import MixCrypto
internal import Synchronization
internal import WireFormat

/// An open keyring.
final class Keyring: Sendable {
    /// How long another process that changes the keyring is waited for.
    static let patience = Duration.seconds(30)

    let path: String
    /// Without passphrase: whoever can read the file can read what is in it.
    var isProtected: Bool { !state.withLock { $0.work.isMinimal } }
    private let state: Mutex<State>

    private struct State: Sendable {
        var work: PasswordKey
        var key: SymmetricSecret
        var items: [KeyringItem]
        /// The file that the items are from.
        var bytes: [UInt8]
    }

    private init(path: String, _ state: State) {
        self.path = path
        self.state = Mutex(state)
    }

    /// What is in it, as of the last reading or change.
    var items: [KeyringItem] { state.withLock { $0.items } }

    /// Opens the client's keyring; makes one without passphrase if there is none.
    /// - Throws: `KeyringError`, `CommandFailure`.
    static func open(_ client: Client, passphrase: PassphraseSource) throws -> Keyring {
        try open(path: client.places.keyring, directory: client.places.data, passphrase: passphrase)
    }

    /// Opens the keyring at `path`.
    static func open(path: String, directory: String, passphrase source: PassphraseSource) throws -> Keyring {
        if !ClientPlaces.isThere(path) {
            _ = try PrivateDirectory(directory)
            try withLock(path) { if !ClientPlaces.isThere(path) { try make(path) } }
        }
        let bytes = try read(path)
        let file = try parse(bytes, path)
        var question = "passphrase of the keyring: "
        var attempt = 1
        while true {
            let passphrase = try passphrase(for: file, from: source, path: path, question: question)
            let key = try passphrase.key(file.work)
            do throws(KeyringError) {
                let items = try items(file, key: key, path)
                return Keyring(path: path, State(work: file.work, key: key, items: items, bytes: bytes))
            } catch {
                guard case .wrongPassphrase = error, source == .terminal, !file.work.isMinimal,
                    attempt < TerminalPassphrase.attempts
                else { throw error }
                attempt += 1
                question = "that is not it; passphrase of the keyring: "
            }
        }
    }

    private static func passphrase(
        for file: KeyringFile, from source: PassphraseSource, path: String, question: String
    ) throws -> Passphrase {
        // Least work is done for the empty passphrase only, so nobody has to be asked.
        guard !file.work.isMinimal else { return .empty }
        switch source {
        case .none: throw KeyringError.needsPassphrase(path)
        case .descriptor(let descriptor): return try Passphrase.read(descriptor)
        case .terminal:
            guard let typed = try TerminalPassphrase.ask(question) else { throw KeyringError.needsPassphrase(path) }
            return typed
        }
    }

    private static func make(_ path: String) throws {
        var generator = SystemRandomNumberGenerator()
        let work = PasswordKey.new(protects: false, using: &generator)
        let bytes = try KeyringFile.encode([], work: work, key: work.deriveFromNothing(), using: &generator)
        try AtomicFile.write(bytes, to: path)
    }

    // MARK: - Changing

    /// Changes the items: reads the file anew, lets `body` change what it holds, writes it.
    func change<Result>(_ body: (inout [KeyringItem]) throws -> Result) throws -> Result {
        try rewrite { state in try body(&state.items) }
    }

    /// Takes in what other processes have changed.
    func refresh() throws {
        let bytes = try Self.read(path)
        try state.withLock { try Self.takeIn(bytes, &$0, path) }
    }

    /// Seals the keyring anew under another passphrase; the empty one takes protection away.
    func setPassphrase(_ passphrase: Passphrase) throws {
        var generator = SystemRandomNumberGenerator()
        let work = PasswordKey.new(protects: !passphrase.isEmpty, using: &generator)
        let key = try passphrase.key(work)
        try rewrite { state in
            state.work = work
            state.key = key
        }
    }

    private func rewrite<Result>(_ body: (inout State) throws -> Result) throws -> Result {
        try Self.withLock(path) {
            let bytes = try Self.read(path)
            return try state.withLock { current in
                try Self.takeIn(bytes, &current, path)
                var changed = current
                let result = try body(&changed)
                var generator = SystemRandomNumberGenerator()
                changed.bytes = try KeyringFile.encode(
                    changed.items, work: changed.work, key: changed.key, using: &generator)
                try AtomicFile.write(changed.bytes, to: path)
                current = changed
                return result
            }
        }
    }

    private static func takeIn(_ bytes: [UInt8], _ state: inout State, _ path: String) throws {
        guard bytes != state.bytes else { return }
        let file = try parse(bytes, path)
        guard file.work == state.work else { throw KeyringError.passphraseChanged(path) }
        state.items = try items(file, key: state.key, path)
        state.bytes = bytes
    }

    private static func read(_ path: String) throws -> [UInt8] {
        try PrivateDirectory.checkFile(at: path)
        return try AtomicFile.read(path, limit: KeyringFile.sizeLimit)
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(KeyringError) -> KeyringFile {
        do throws(KeyringFileError) { return try KeyringFile(bytes) } catch { throw KeyringError(error, path) }
    }

    private static func items(
        _ file: KeyringFile, key: SymmetricSecret, _ path: String
    ) throws(KeyringError) -> [KeyringItem] {
        do {
            return try file.open(key)
        } catch let error as KeyringFileError {
            // Without a passphrase there is none to be wrong.
            throw error == .wrongKey && file.work.isMinimal ? .damaged(path) : KeyringError(error, path)
        } catch {
            throw .damaged(path)
        }
    }

    private static func withLock<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let deadline = ContinuousClock.now + patience
        while true {
            let lock: LockFile
            do throws(CommandFailure) {
                lock = try LockFile(path + ".lock")
            } catch {
                guard error.code == .temporary, ContinuousClock.now < deadline else { throw error }
                // Another process writes for some milliseconds; which of several goes next is chance.
                usleep(UInt32.random(in: 2_000...20_000))
                continue
            }
            return try withExtendedLifetime(lock) { try body() }
        }
    }
}

extension KeyringError {
    fileprivate init(_ error: KeyringFileError, _ path: String) {
        self =
            switch error {
            case .foreign: .foreign(path)
            case .version: .version(path)
            case .damaged: .damaged(path)
            case .wrongKey: .wrongPassphrase(path)
            }
    }
}
