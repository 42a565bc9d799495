// `nightjar decode` as a person runs it: armor in mails of every kind, Maildirs, JSON, and what goes to a terminal.

import Daemon
import Foundation
import Glibc
import Messages
import MixCrypto
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct DecodeTests {
    private let bench: AnswerBench
    private var user: User { bench.user }

    init() throws { bench = try AnswerBench(hops: 1) }

    private func armor(
        _ text: String, identity: String = "alice", fields: [SenderField: String] = [:], blocks: [[UInt8]] = []
    ) throws -> String {
        let part = try AnswerBench.parts(Array(text.utf8), fields: fields, blocks: blocks)[0]
        return AnswerBench.armor(try bench.answer(part, to: identity))
    }

    @Test func anAnswerInAMail() async throws {
        let mail =
            "From: r@echo.example\r\nSubject: x\r\n\r\nHello,\r\n"
            + (try armor("It came.\r\n", fields: [.subject: "Thanks"]))
        let file = try user.file("mail.eml", mail.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n"))
        let run = try await user.run("decode", file)
        #expect(run.code == 0, "\(run)")
        #expect(run.messages == "answer to identity alice: mail, 10 bytes\n")
        #expect(run.output.hasSuffix("\nSubject: Thanks\nX-Nightjar-Identity: alice\n\nIt came.\n"), "\(run)")
        #expect(!run.output.contains("\r"))
        // The same file again shows the same mail.
        let again = try await user.run("decode", file)
        #expect(again == run)
    }

    @Test("quoted, several in one text, quoted-printable, other text around, binary")
    func forms() async throws {
        let quoted = try armor("one\r\n").split(separator: "\n").map { "> > \($0)" }.joined(separator: "\r\n")
        let printable = try armor("two\r\n").replacing("=", with: "=3D")
        let third = try armor("three\r\n", identity: "bob")
        let text = "Look:\n\(quoted)\nand\n\(printable)\n-----BEGIN PGP MESSAGE-----\nxx\n\(third)bye"
        let run = try await user.run("decode", "-", input: text)
        #expect(run.code == 0, "\(run)")
        #expect(run.messages.split(separator: "\n").count == 3 && run.messages.contains("identity bob"))
        // Several are an mbox.
        #expect(run.output.split(separator: "\n").count(where: { $0.hasPrefix("From nightjar ") }) == 3, "\(run)")
        for word in ["one", "two", "three"] { #expect(run.output.contains("\n\n\(word)\n\n")) }

        let part = try AnswerBench.parts(Array("four\r\n".utf8))[0]
        let binary = ArmoredMessage.reply(try bench.answer(part, to: "alice")).encoded
        let binaryRun = try await user.run(["decode", "-q"], input: binary)
        #expect(binaryRun.code == 0 && binaryRun.output.hasSuffix("\n\nfour\n") && binaryRun.messages.isEmpty)
    }

    @Test func partsComeInSeveralMails() async throws {
        var generator = SeededRandom(name: "parts in mails")
        let body = AnswerBench.letter(60_000, &generator)
        let parts = try AnswerBench.parts(body, capacity: .injected).shuffled(using: &generator)
        let k = parts[0].group.dataShares
        let mails = try parts.prefix(k).map { AnswerBench.armor(try bench.answer($0, to: "alice")) }
        let first = try await user.run("decode", "-", input: mails[0] + mails[1])
        #expect(first.code == 3 && first.output.isEmpty, "\(first)")
        #expect(first.messages.contains("2 of the \(k) parts that a message to identity alice needs are here"))
        let list = try await user.run("fragments", "list")
        #expect(list.code == 0 && list.output.contains("identity alice") && list.output.contains("2/\(k)"), "\(list)")

        // The others lie in a Maildir, and the message goes into another.
        for directory in ["box/new", "box/cur", "box/tmp"] {
            try FileManager.default.createDirectory(
                atPath: user.directory.file(directory), withIntermediateDirectories: true)
        }
        for (index, mail) in mails.dropFirst(2).enumerated() {
            _ = try user.file("box/\(index == 0 ? "cur" : "new")/\(index).mail", "Subject: \(index)\n\n\(mail)")
        }
        let (box, out) = (user.directory.file("box"), user.directory.file("out"))
        let rest = try await user.run("decode", "--maildir", box, "--to-maildir", out)
        #expect(rest.code == 0 && rest.output.isEmpty, "\(rest)")
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(out)/new")
        #expect(files.count == 1)
        let mail = try #require(FileManager.default.contents(atPath: "\(out)/new/\(files[0])"))
        let expected = String(decoding: body, as: UTF8.self).replacing("\r\n", with: "\n")
        #expect(String(decoding: mail, as: UTF8.self).hasSuffix("\n\n" + expected))
        // Once more: no second copy.
        _ = try await user.run("decode", "--maildir", box, "--to-maildir", out)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(out)/new").count == 1)
        #expect(try await user.run("fragments", "list").output == "no incomplete messages\n")
    }

    @Test func foreignDamagedAndMissing() async throws {
        let other = try AnswerBench(hops: 1)
        let foreign = AnswerBench.armor(
            try other.answer(try AnswerBench.parts(Array("x\r\n".utf8))[0], to: "alice"))
        let good = try armor("good\r\n")
        let cut = good.split(separator: "\n").dropLast(10).joined(separator: "\n") + "\n"
        let file = try user.file("mail", foreign + cut + good)
        let run = try await user.run("decode", file)
        #expect(run.code == 1 && run.output.hasSuffix("\n\ngood\n"), "\(run)")
        #expect(
            run.messages == """
                answer to identity alice: mail, 6 bytes
                DIR/mail, block 1: not an answer to a reply block of this keyring; decode it where the block was made
                DIR/mail, block 2: damaged on its way; ask for it again with a new reply block
                2 of 3 blocks could not be read

                """)
        let nothing = try await user.run("decode", "-", input: "no armor here\n")
        #expect(
            nothing
                == .failure(
                    1, "nothing to decode: there is no block that begins with -----BEGIN NIGHTJAR MESSAGE-----"))
        let missing = try await user.run("decode", user.directory.file("none"))
        #expect(missing == .failure(1, "cannot read DIR/none: no such file or directory"))
        let noMaildir = try await user.run("decode", "--maildir", user.directory.file("none"))
        #expect(noMaildir.code == 2, "\(noMaildir)")
    }

    @Test func jsonAndReplyBlocks() async throws {
        let blocks = try (0..<2).map { _ in try bench.block("bob").encoded }
        let text = try armor("It came.\r\n", fields: [.subject: "Thanks"], blocks: blocks)
        let saved = user.directory.file("blocks")
        let run = try await user.run("decode", "--json", "--save-reply-blocks", saved, input: text)
        #expect(run.code == 0, "\(run)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run)")
        let message = try #require((json["messages"] as? [[String: Any]])?.first)
        #expect(message["identity"] as? String == "alice" && message["replyBlocks"] as? Int == 2)
        #expect((message["fields"] as? [String: String])?["Subject"] == "Thanks")
        let body = (message["bodyBase64"] as? String).flatMap { Data(base64Encoded: $0) }
        #expect(body == Data("It came.\r\n".utf8))
        #expect((json["incomplete"] as? [Any])?.isEmpty == true)
        let armor = try String(contentsOfFile: saved, encoding: .utf8)
        #expect(Armor.decode(armor, kind: .replyBlock).blocks == blocks)
        #expect(
            run.messages.contains("2 reply blocks written to DIR/blocks; answer with: nightjar reply --surb DIR/blocks")
        )
        // Without messages it is JSON as well.
        let empty = try await user.run("decode", "--json", "-q", input: "nothing")
        #expect(
            empty.code == 1 && (try? JSONSerialization.jsonObject(with: Data(empty.output.utf8))) != nil, "\(empty)")
    }

    @Test func toAFile() async throws {
        let out = user.directory.file("out.eml")
        let run = try await user.run("decode", "-o", out, input: try armor("From me\r\nIt came.\r\n"))
        #expect(run.code == 0 && run.output.isEmpty, "\(run)")
        #expect(try String(contentsOfFile: out, encoding: .utf8).hasSuffix("\n\nFrom me\nIt came.\n"))
        // When nothing comes, what is there stays.
        _ = try await user.run("decode", "-o", out, input: "nothing")
        #expect(try String(contentsOfFile: out, encoding: .utf8).hasSuffix("\n\nFrom me\nIt came.\n"))
        let both = try await user.run("decode", "-o", out, "--to-maildir", out, input: "")
        #expect(both.code == 2 && both.messages.contains("exclude each other"), "\(both)")
        let nowhere = try await user.run("decode", "-o", user.directory.file("no/where"), input: try armor("x\r\n"))
        #expect(nowhere.code == 1 && nowhere.messages.contains("cannot write DIR/no/where"), "\(nowhere)")
        // It was not written, so it is unread.
        #expect(try await bench.unread().count == 1)
    }

    @Test func aFullDiskLosesNothing() async throws {
        var generator = SeededRandom(name: "full disk")
        let body = AnswerBench.letter(25_000, &generator)
        let record = try bench.answer(try AnswerBench.parts(body)[0], to: "alice")
        _ = try await user.run("fragments", "list")
        _ = try await user.run("decode", "-q", input: try armor("first\r\n"))
        let full = try await user.run(["decode"], input: Array(AnswerBench.armor(record).utf8), fileSizeLimit: 16_384)
        #expect(full.code != 0 && full.output.isEmpty, "\(full)")
        let run = try await user.run(["decode"], input: Array(AnswerBench.armor(record).utf8))
        #expect(run.code == 0 && run.messages.contains("answer to identity alice"), "\(run)")
    }

    @Test("on a terminal nothing of a message steers it, and bytes are not shown")
    func terminal() async throws {
        let nasty = "\u{1B}[2J\u{1B}]0;title\u{7}\u{202E}abc\u{9B}31m\tx\r\nKopf über\r\n"
        let part = try AnswerBench.parts(Array(nasty.utf8), fields: [.subject: "plain"])[0]
        let raw = try AnswerBench.parts([0, 1, 2, 0xFF], kind: .raw)[0]
        let records = [try bench.answer(part, to: "alice"), try bench.answer(raw, to: "alice")]
        try await bench.withInbox { inbox in
            for record in records { _ = try inbox.take(record, keys: bench.keyring) }
        }
        let messages = try await bench.unread()
        let pseudo = try PseudoTerminal()
        let writer = MessageWriter(
            terminal: Terminal(output: pseudo.terminal, errors: STDERR_FILENO), options: OutputOptions())
        var done = 0
        let binary = try writer.write(messages) { _ in done += 1 }
        #expect(done == 1 && binary.map(\.kind) == [.raw])
        let shown = pseudo.read()
        #expect(shown.contains("\\x1b[2J\\x1b]0;title\\x7\\x202eabc\\x9b31m\tx"), "\(shown)")
        #expect(shown.contains("Kopf über") && shown.contains("Subject: plain"))
        #expect(!shown.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B || $0.value == 0x7 })
        // With --force it is as it is.
        var options = OutputOptions()
        options.force = true
        let forced = MessageWriter(
            terminal: Terminal(output: pseudo.terminal, errors: STDERR_FILENO), options: options)
        #expect(try forced.write([messages[0]]) { _ in }.isEmpty)
        #expect(pseudo.read().contains("\u{1B}[2J"))
    }

    @Test func linesAreCutBetweenCharacters() {
        let text = String(repeating: "ü", count: 70_000) + "\nend"
        var lines = TextLines()
        var found: [String] = []
        var all: [UInt8] = []
        for start in stride(from: 0, to: text.utf8.count, by: 9_999) {
            lines.consume(Array(Array(text.utf8)[start..<min(start + 9_999, text.utf8.count)])) {
                found.append(String(validating: $0, as: UTF8.self) ?? "broken")
                all += $0
            }
        }
        lines.finish { found.append(String(validating: $0, as: UTF8.self) ?? "broken") }
        #expect(!found.contains("broken") && found.last == "end")
        #expect(found.allSatisfy { $0.utf8.count <= TextLines.longest })
        #expect(all == Array(text.utf8.dropLast(4)))
    }

    @Test func aLargeMessageTakesLittleMemory() async throws {
        var generator = SeededRandom(name: "large message")
        let body = AnswerBench.letter(5 << 20, &generator)
        let encoded = try AnswerBench.encoded(body)
        let count = MailFragment.count(ofLength: encoded.count)
        let id = MessageID.random(using: &generator)
        let empty = try AnswerBench(hops: 1)
        let usual = try Self.peak(of: try empty.user.start(["fragments", "list"]))
        try await bench.withInbox { inbox in
            func piece(_ index: Int) throws -> MailFragment {
                let start = index * MailFragment.maximumSize
                return try MailFragment(
                    message: id, index: index, count: count,
                    bytes: Array(encoded[start..<min(start + MailFragment.maximumSize, encoded.count)]))
            }
            for index in (1..<count).reversed() {
                _ = try inbox.take(try piece(index), mailbox: "default", keys: bench.keyring)
            }
            // The last one reaches the spool only: the next program puts the message together.
            let name = CollectedMessage.name(origin: .mailbox("default"), message: id, cut: .pieces)
            let results = try inbox.spool.performAndWait([
                .acceptPart(
                    tag: .random(using: &generator), period: KeyPeriod(0),
                    part: PieceLayout(count: count).row(0, of: name), deadline: AnswerBench.now + .days(1),
                    share: PieceLayout.share(try piece(0).bytes))
            ])
            #expect(results == [.partStored(complete: true)])
        }
        let rebuilding = try Self.peak(of: try user.start(["fragments", "list"]))
        let out = user.directory.file("out.eml")
        let writing = try Self.peak(of: try user.start(["receive", "--offline", "-o", out]))
        let mail = try #require(FileManager.default.contents(atPath: out))
        let lines = String(decoding: body, as: UTF8.self).replacing("\r\n", with: "\n")
        #expect(String(decoding: mail, as: UTF8.self).hasSuffix("\n\n" + lines))
        print("5 MiB: \(usual) KiB without, \(rebuilding) KiB put together, \(writing) KiB written")
        // Four times the message, with room for what differs from run to run.
        #expect(rebuilding - usual < 20 << 10 && writing - usual < 20 << 10)
    }

    /// Waits for a program's end; the most memory that it was seen to have, in KiB. What the system counts for a child
    /// that has ended includes what its parent had.
    private static func peak(of run: User.Run) throws -> Int {
        var status: Int32 = 0
        var peak = 0
        while waitpid(run.pid, &status, WNOHANG) == 0 {
            let text = (try? String(contentsOfFile: "/proc/\(run.pid)/status", encoding: .utf8)) ?? ""
            let name = text.split(separator: "\n").first.map(String.init) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
            // Before it is the program it is a copy of this one.
            if name.hasSuffix("nightjar"), words.count > 1 { peak = max(peak, Int(words[1]) ?? 0) }
            usleep(500)
        }
        guard status == 0 else { throw User.Failure(text: "ended with \(status): \(run.said)") }
        return peak
    }
}

/// A terminal without a person.
private final class PseudoTerminal {
    private let master: Int32
    let terminal: Int32

    init() throws {
        // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which the C library's header hides from Swift.
        var (unlocked, number): (Int32, Int32) = (0, 0)
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        guard master >= 0, ioctl(master, 0x4004_5431, &unlocked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw User.Failure(text: "no pseudo terminal")
        }
        terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        guard terminal >= 0 else { throw User.Failure(text: "no pseudo terminal") }
    }

    deinit {
        close(terminal)
        close(master)
    }

    /// What was written to it.
    func read() -> String {
        var bytes: [UInt8] = []
        var poll = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        while Glibc.poll(&poll, 1, 100) > 0 {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(master, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
