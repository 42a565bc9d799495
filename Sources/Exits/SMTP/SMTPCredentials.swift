// The password for the mail server. It lives in a file of its own, readable by the node alone, never in the settings.

internal import Glibc
public import MixCrypto
internal import WireFormat

/// A user name and password for AUTH.
public struct SMTPCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    public let user: String
    let password: SymmetricSecret

    public init(user: String, password: SymmetricSecret) {
        self.user = user
        self.password = password
    }

    /// Longest password in bytes: far over any in use, far under what a reply line of AUTH may hold.
    public static let maximumPassword = 1024

    /// Reads the password from the first line of `passwordFile`, which nobody but its owner may be able to read.
    public init(user: String, passwordFile: String) throws(SMTPCredentialsError) {
        let descriptor = open(passwordFile, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw .unreadable(passwordFile, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(passwordFile, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(passwordFile) }
        guard status.st_mode & 0o077 == 0 else { throw .open(passwordFile) }
        var bytes = [UInt8](repeating: 0, count: Self.maximumPassword + 2)
        defer { Self.wipe(&bytes) }
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .unreadable(passwordFile, errno) }
        let end = bytes[..<count].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? count
        guard (1...Self.maximumPassword).contains(end) else { throw .length(passwordFile) }
        self.init(
            user: user,
            password: bytes.withUnsafeBytes { SymmetricSecret(UnsafeRawBufferPointer(rebasing: $0[..<end])) })
    }

    /// The base64 of `prefix` and the password.
    func encoded(after prefix: [UInt8] = []) -> String {
        var bytes = prefix + password.withBytes { Array($0) }
        defer { Self.wipe(&bytes) }
        return Base64.encode(bytes)
    }

    /// The base64 of a text.
    static func encoded(_ text: String) -> String { Base64.encode(Array(text.utf8)) }

    private static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { explicit_bzero(base, $0.count) } }
    }

    public var description: String { "smtp credentials" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a password file cannot be used.
public enum SMTPCredentialsError: Error, Hashable, CustomStringConvertible {
    case unreadable(String, Int32)
    case notAFile(String)
    case open(String)
    case length(String)

    public var description: String {
        switch self {
        case .unreadable(let path, let code):
            "cannot read the password file \(path): \(String(cString: strerror(code)))"
        case .notAFile(let path): "the password file \(path) is not a regular file"
        case .open(let path): "the password file \(path) can be read by others: run `chmod 600 \(path)`"
        case .length(let path):
            "the password file \(path) must hold the password in its first line, "
                + "1 to \(SMTPCredentials.maximumPassword) bytes"
        }
    }
}
