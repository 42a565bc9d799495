import Foundation
import Messages
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Test mails")
struct TestMailTests {
    @Test("are known again, however the lines were broken, and whatever was put around them")
    func knownAgain() throws {
        var random = SeededRandom(name: #function)
        var seen: Set<[UInt8]> = []
        for _ in 0..<300 {
            let mail = TestMail(using: &random)
            #expect(mail.tag.count == TestMail.tagSize && seen.insert(mail.tag).inserted)
            let text = String(decoding: mail.body, as: UTF8.self)
            #expect(text.split(separator: "\r\n").allSatisfy { $0.count <= 78 && $0.allSatisfy(\.isASCII) })
            #expect(!text.isEmpty && text.hasSuffix("\r\n") && !text.replacing("\r\n", with: "").contains("\n"))
            let head = "Received: from exit.example. by mx.example\r\nSubject: \(mail.subject)\r\n\r\n"
            let versions = [
                head + text, head + text.replacing("\r\n", with: "\n"),
                head + text.replacing("\r\n", with: "\r\n> ")
                    + "\r\n-- \r\nSent anonymously. Complaints to abuse@exit.example.\r\n",
                head + text.replacing(" ", with: "\r\n"),
            ]
            for version in versions { #expect(TestMail.tags(in: Array(version.utf8)).contains(mail.tag)) }
        }
    }

    @Test("go through the envelope and its rules as a person's mail does")
    func ordinary() throws {
        var random = SeededRandom(name: #function)
        for _ in 0..<50 {
            let mail = TestMail(using: &random)
            let text = Array("Subject: \(mail.subject)\r\n\r\n".utf8) + mail.body
            let outgoing = try OutgoingMail(text)
            #expect(outgoing.body == mail.body && outgoing.fields == [.subject: mail.subject])
        }
    }

    @Test("foreign mail of any kind gives no more tags than are looked at, and none of ours")
    func foreign() {
        var random = SeededRandom(name: #function)
        let ours = TestMail(using: &random).tag
        #expect(TestMail.tags(in: []).isEmpty)
        #expect(TestMail.tags(in: Array(repeating: UInt8(ascii: "."), count: 100_000)).isEmpty)
        for size in [1, 100, 10_000] { #expect(!TestMail.tags(in: random.bytes(size)).contains(ours)) }
        let many = Array(String(repeating: "a. ", count: 50_000).utf8)
        #expect(TestMail.tags(in: many).isEmpty)
        let words = Array(String(repeating: "a b c d e f g h i j k l m. ", count: 5000).utf8)
        #expect(TestMail.tags(in: words).isEmpty)
        // Who knows our words can write sentences like ours.
        let like = (0..<50).flatMap { _ in TestMail(using: &random).body }
        #expect(TestMail.tags(in: like).count == TestMail.maximumTags)
    }

    @Test("every exit has its turn before one has another")
    func turns() {
        var random = SeededRandom(name: #function)
        let exits = (0..<5).map { _ in NodeID.random(using: &random) }
        var turn = ExitTurn()
        for _ in 0..<10 {
            let round = (0..<5).compactMap { _ in turn.next(of: exits, using: &random) }
            #expect(Set(round) == Set(exits))
        }
        #expect(turn.next(of: [], using: &random) == nil)
        #expect(turn.next(of: [exits[3]], using: &random) == exits[3])
    }
}

@Suite("The Maildir of test mails")
struct MaildirReaderTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory("nightjar-maildir")
        path = directory.file("mail")
        for name in ["new", "cur", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        }
    }

    private func put(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    private func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

    @Test("what is recognised is removed, in new and in cur, and nothing else")
    func recognised() throws {
        var random = SeededRandom(name: #function)
        let (one, two) = (TestMail(using: &random), TestMail(using: &random))
        try put(one.body, "new/1.a.host")
        try put(two.body, "cur/2.b.host:2,S")
        try put(Array("Dear friend, buy this.\n".utf8), "new/3.c.host")
        try put(Array(repeating: 65, count: MaildirReader.sizeLimit + 1), "new/4.d.host")
        try put([1], "new/.hidden")
        var reader = MaildirReader(path: path)
        var items: [UInt64] = []
        let known = Set([one.tag, two.tag])
        func round() throws -> MaildirReader.Round {
            try reader.read { tags, item in
                items.append(item)
                return tags.contains { known.contains($0) }
            }
        }
        let first = try round()
        #expect(first.found == 2 && first.foreign == 2 && first.isComplete)
        #expect(!isThere("new/1.a.host") && !isThere("cur/2.b.host:2,S"))
        #expect(isThere("new/3.c.host") && isThere("new/4.d.host") && isThere("new/.hidden"))
        #expect(Set(items).count == 2)
        // Strangers are looked at once.
        let second = try round()
        #expect(second.found == 0 && second.foreign == 0 && second.isComplete && items.count == 2)
    }

    @Test("a fault of a moment makes no stranger of a mail, and nothing is complete while it lasts")
    func faultOfAMoment() throws {
        var random = SeededRandom(name: #function)
        let mail = TestMail(using: &random)
        try put(mail.body, "new/1.x")
        var reader = MaildirReader(path: path)
        try reader.begin()
        // A program moves it, or it is put back, between the names and the reading.
        try FileManager.default.moveItem(atPath: "\(path)/new/1.x", toPath: "\(path)/tmp/1.x")
        #expect(reader.next(10).isEmpty && reader.isOver && !reader.round.isComplete && reader.round.foreign == 0)
        try FileManager.default.moveItem(atPath: "\(path)/tmp/1.x", toPath: "\(path)/new/1.x")
        if geteuid() != 0 {
            chmod("\(path)/new/1.x", 0)
            let unreadable = try reader.read { _, _ in true }
            #expect(unreadable.unreadable == 1 && !unreadable.isComplete && unreadable.foreign == 0)
            chmod("\(path)/new/1.x", 0o600)
        }
        let after = try reader.read { tags, _ in tags.contains(mail.tag) }
        #expect(after.found == 1 && after.isComplete && !isThere("new/1.x"))
        // What is no file can be none of ours, and holds nothing up.
        #expect(mkfifo("\(path)/new/2.x", 0o600) == 0)
        let pipe = try reader.read { _, _ in true }
        #expect(pipe.foreign == 1 && pipe.isComplete)
    }

    @Test("a round that is stopped is not complete, and the next one goes on")
    func stopped() throws {
        for index in 0..<30 { try put([65], "new/\(index).x") }
        var reader = MaildirReader(path: path)
        try reader.begin()
        #expect(reader.next(10).isEmpty && !reader.isOver)
        reader.stop()
        #expect(reader.isOver && !reader.round.isComplete && reader.round.foreign == 10)
        let rest = try reader.read { _, _ in true }
        #expect(rest.foreign == 20 && rest.isComplete)
    }

    @Test("a mail that moved to cur, or got a flag, has the same number")
    func number() throws {
        var numbers: [UInt64] = []
        var random = SeededRandom(name: #function)
        for name in ["new/17.x.host", "cur/17.x.host:2,", "cur/17.x.host:2,RS"] {
            try put(TestMail(using: &random).body, name)
            var reader = MaildirReader(path: path)
            _ = try reader.read { _, item in
                numbers.append(item)
                return true
            }
        }
        #expect(numbers.count == 3 && Set(numbers).count == 1)
    }

    @Test("a flood is looked at in rounds, and the Maildir counts as emptied when all was seen")
    func flood() throws {
        for index in 0..<(MaildirReader.filesPerRound + 10) { try put([65], "new/\(index).x") }
        var reader = MaildirReader(path: path)
        #expect(try reader.read { _, _ in false }.isComplete == false)
        let second = try reader.read { _, _ in false }
        #expect(second.isComplete && second.foreign == 10)
    }

    @Test("what cannot be read is an error, and what cannot be noted stays")
    func failures() throws {
        var random = SeededRandom(name: #function)
        try put(TestMail(using: &random).body, "new/1.x")
        var reader = MaildirReader(path: path)
        let failed = try reader.read { _, _ in nil }
        #expect(isThere("new/1.x") && failed.found == 0 && failed.foreign == 0 && !failed.isComplete)
        let worked = try reader.read { _, _ in true }
        #expect(worked.found == 1 && worked.isComplete && !isThere("new/1.x"))
        var gone = MaildirReader(path: "\(path)/gone")
        #expect(throws: (any Error).self) { try gone.read { _, _ in true } }
        #expect(!MaildirReader.isThere("\(path)/gone") && MaildirReader.isThere(path))
    }
}

extension MaildirReader {
    /// A whole round.
    fileprivate mutating func read(_ take: ([[UInt8]], UInt64) throws -> Bool?) throws -> Round {
        try begin()
        while !isOver {
            for candidate in next(7) { settle(candidate, isOurs: try take(candidate.tags, candidate.item)) }
        }
        return round
    }
}
