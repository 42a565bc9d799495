// A mail server that nobody here wrote: aiosmtpd, with the script that ExitsTests has for it.

import Foundation
import TestSupport
import Testing

final class MailServer: Sendable {
    let port: Int
    private let program: Program
    private let directory: TemporaryDirectory

    /// Debian's interpreter: the one that its python3-aiosmtpd is installed for.
    private static let python = "/usr/bin/python3"

    init(port: Int = 0, _ arguments: [String] = []) async throws {
        directory = try TemporaryDirectory("nightjar-mail-server")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../ExitsTests/Peers/aiosmtpd_peer.py").standardizedFileURL.path
        let program = try Program(
            Self.python, [script, "--maildir", directory.path, "--port", String(port)] + arguments)
        try await eventually("the mail server's port (needs python3-aiosmtpd)", seconds: 30) {
            program.output.hasSuffix("\n") || program.poll() != nil
        }
        guard program.output.hasPrefix("PORT "), let number = Int(program.output.dropFirst(5).prefix { $0.isNumber }) else {
            throw Program.Failure(description: "the mail server did not start: \(program.errors)")
        }
        self.program = program
        self.port = number
    }

    /// The mails stored so far.
    var mails: [Data] {
        let path = directory.file("new")
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
            .compactMap { FileManager.default.contents(atPath: "\(path)/\($0)") }
    }

    /// When each mail was stored, by its subject.
    var arrivals: [String: Date] {
        let path = directory.file("new")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return Dictionary(
            names.compactMap { name in
                let file = "\(path)/\(name)"
                guard let data = FileManager.default.contents(atPath: file),
                    let date = try? FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
                else { return nil }
                return (ArrivedMail(data).subject, date)
            }, uniquingKeysWith: min)
    }

    var count: Int { (try? FileManager.default.contentsOfDirectory(atPath: directory.file("new")))?.count ?? 0 }
}

/// Bodies that do not compress.
enum RandomText {
    /// Base64 lines of 76 characters, with CRLF, `bytes` bytes or a little more.
    static func base64(_ bytes: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes + 80)
        while text.count < bytes {
            // Ten letters of six bits from each draw.
            for _ in 0..<76 / 4 {
                var word = generator.next()
                for _ in 0..<4 {
                    text.append(alphabet[Int(word & 63)])
                    word >>= 6
                }
            }
            text += [13, 10]
        }
        return text
    }
}
