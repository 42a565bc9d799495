// Runs the SMTP servers of `Peers/` for a test.

import Foundation
import Glibc
import TestSupport
import Testing

/// A running aiosmtpd; ends with the value.
final class SMTPPeer {
    let port: Int
    private let process: ChildProcess
    private let directory: TemporaryDirectory

    /// Debian's interpreter: the one that its python3-aiosmtpd is installed for.
    private static let python = "/usr/bin/python3"
    private static let inCI = ProcessInfo.processInfo.environment["CI"] != nil

    /// Whether the tests can run. In CI they run regardless, so that a missing package is a failure there.
    static let isAvailable: Bool = {
        do {
            return try ChildProcess(python, ["-c", "import aiosmtpd"], discardsErrors: true).succeeds() || inCI
        } catch {
            return inCI
        }
    }()

    static let missing: Comment = "these tests need a real mail server: apt-get install python3-aiosmtpd"

    init(_ arguments: [String] = []) throws {
        directory = try TemporaryDirectory("nightjar-smtp-peer")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Peers/aiosmtpd_peer.py")
        process = try ChildProcess(Self.python, [script.path, "--maildir", directory.path] + arguments)
        let words = try process.line().split(separator: " ")
        guard words.count == 2, words[0] == "PORT", let number = Int(words[1]) else {
            throw ChildProcess.Failure(description: "the mail server did not say its port")
        }
        port = number
    }

    /// The mails stored so far, in the order in which they came.
    var mails: [[UInt8]] {
        get throws { try files("new").map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) } }
    }

    /// What was said of each mail.
    struct Envelope: Decodable {
        let from: String
        let to: [String]
        let options: [String]
        let tls: Bool
        let authenticated: Bool
        /// The client's port: the same for mails that shared a connection.
        let port: Int
    }

    var envelopes: [Envelope] {
        get throws {
            try files("envelopes").map {
                try JSONDecoder().decode(Envelope.self, from: Data(contentsOf: URL(fileURLWithPath: $0)))
            }
        }
    }

    private func files(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.file(name)).sorted().map {
            "\(directory.file(name))/\($0)"
        }
    }
}

/// A certificate for localhost that nobody but itself vouches for, made by openssl.
struct SelfSigned {
    private let directory: TemporaryDirectory
    var certificate: String { directory.file("cert.pem") }
    var key: String { directory.file("key.pem") }

    init(name: String = "localhost") throws {
        directory = try TemporaryDirectory("nightjar-certificate")
        let openssl = try ChildProcess(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj",
                "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", directory.file("key.pem"), "-out",
                directory.file("cert.pem"),
            ], discardsErrors: true)
        guard openssl.succeeds() else { throw ChildProcess.Failure(description: "openssl made no certificate") }
    }
}

/// A TCP port of 127.0.0.1 that is taken but refuses connections.
final class ReservedPort {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard code == 0 else { throw ChildProcess.Failure(description: "cannot reserve a port") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
