// The files of a gateway: the password's hash, the certificate, the lock. All in one private directory.

internal import Daemon
internal import Exits
private import Glibc
internal import MMTP
internal import MixCrypto
internal import WireFormat

/// Paths and contents of the gateway's files.
struct GatewayFiles: Sendable {
    let directory: String

    /// `user:{ARGON2ID}hash`, a passwd-file for Dovecot (`passdb`), mode 0600.
    var passwords: String { "\(directory)/passwd" }
    /// `GatewayPassword.mark` in hexadecimal digits, mode 0600.
    private var mark: String { "\(directory)/mark" }
    /// PEM.
    var certificate: String { "\(directory)/certificate.pem" }
    /// PEM, mode 0600.
    var key: String { "\(directory)/key.pem" }
    /// Where received mail goes if the settings do not say.
    var standardMaildir: String { "\(directory)/maildir" }
    private var lockPath: String { "\(directory)/lock" }

    private static let scheme = "{ARGON2ID}"
    private static let limit = 64 << 10

    init(_ places: ClientPlaces) { self.init(directory: "\(places.data)/gateway") }

    init(directory: String) { self.directory = directory }

    /// Whether `gateway init` has been done.
    var isThere: Bool { ClientPlaces.isThere(passwords) && ClientPlaces.isThere(certificate) }

    /// Takes the lock: one gateway for each home.
    func lock() throws(CommandFailure) -> LockFile {
        do throws(CommandFailure) {
            return try LockFile(lockPath)
        } catch  where error.code == .temporary {
            throw CommandFailure(
                "a gateway is running already (lock \(lockPath)); stop that one first", code: .temporary)
        }
    }

    /// Whether a gateway holds the lock.
    var isRunning: Bool {
        let file = open(lockPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    // MARK: Password

    func writePassword(_ password: String, user: String) throws {
        let bytes = Array(password.utf8)
        let hash = try PasswordHash(of: bytes)
        // It belongs to this hash alone: beside another it is of no effect.
        try AtomicFile.write(text: Hex.encode(GatewayPassword.mark(bytes, hash: hash).bytes) + "\n", to: mark)
        try AtomicFile.write(text: "\(user):\(Self.scheme)\(hash.text)\n", to: passwords)
    }

    /// The mark of the password, if it was made here.
    /// - Throws: if there is one and it cannot be read: without it whoever guesses locks the owner out.
    func readMark() throws(CommandFailure) -> Digest? {
        guard ClientPlaces.isThere(mark) else { return nil }
        let bytes = try AtomicFile.read(mark, limit: Self.limit)
        guard let digest = Hex.decode(String(decoding: bytes.prefix(64), as: UTF8.self)).flatMap({ Digest($0) }) else {
            throw CommandFailure("\(mark) is damaged; make a new password with: nightjar gateway init --new-password")
        }
        return digest
    }

    /// The user's name and the password's hash.
    func readPassword() throws(CommandFailure) -> (user: String, hash: PasswordHash) {
        let text = String(decoding: try AtomicFile.read(passwords, limit: Self.limit), as: UTF8.self)
        let fields = text.prefix { !$0.isNewline }.split(separator: ":", maxSplits: 1)
        guard fields.count == 2, fields[1].hasPrefix(Self.scheme),
            let hash = PasswordHash(String(fields[1].dropFirst(Self.scheme.count)))
        else {
            throw CommandFailure(
                "\(passwords) is damaged; make a new password with: nightjar gateway init --new-password")
        }
        return (String(fields[0]), hash)
    }

    // MARK: Certificate

    func writeCertificate(_ certificate: LocalCertificate, key: [UInt8]) throws(CommandFailure) {
        // The key first: without it a certificate is of no use, and `isThere` asks for the certificate.
        try AtomicFile.write(key, to: self.key)
        try AtomicFile.write(certificate.certificate, to: self.certificate)
    }

    func readCertificate() throws(CommandFailure) -> LocalCertificate {
        guard let certificate = LocalCertificate(pem: try AtomicFile.read(certificate, limit: Self.limit)) else {
            throw badCertificate
        }
        return certificate
    }

    /// What the server shows.
    func security() throws(CommandFailure) -> SubmissionSecurity {
        try PrivateDirectory.checkFile(at: key)
        let secret = try AtomicFile.read(key, limit: Self.limit)
        let shown = try AtomicFile.read(certificate, limit: Self.limit)
        do throws(SubmissionSecurityError) {
            return try SubmissionSecurity(certificate: shown, key: secret)
        } catch {
            throw badCertificate
        }
    }

    private var badCertificate: CommandFailure {
        CommandFailure(
            "\(certificate) or \(key) is damaged; make new ones with: nightjar gateway init --new-certificate")
    }
}

/// Passwords that a program makes.
enum GatewayPassword {
    /// Letters and digits that nobody takes for each other.
    private static let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")

    /// By what a password is known fast. Nobody finds one of 123 random bits by it.
    static func mark(_ password: [UInt8], hash: PasswordHash) -> Digest {
        Digest.sha256(Array("nightjar/1 gateway password\n\(hash.text)\n".utf8) + password)
    }

    /// Five groups of five: 123 bits.
    static func make(using generator: inout some RandomNumberGenerator) -> String {
        (0..<5).map { _ in
            String((0..<5).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
        }.joined(separator: "-")
    }
}
