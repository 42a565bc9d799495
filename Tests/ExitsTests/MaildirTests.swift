import Exits
import Foundation
import TestSupport
import Testing
import WireFormat

@Suite struct MaildirTests {
    let directory: TemporaryDirectory
    let maildir: MaildirDelivery
    let head = Array("Subject: x\r\n\r\n".utf8)
    let body = ExitBody(bytes: Array("one\r\n.two\r\nthree".utf8))
    let token = Digest([UInt8](repeating: 7, count: 32)) ?? Digest()

    init() throws {
        directory = try TemporaryDirectory("nightjar-maildir")
        maildir = MaildirDelivery(path: directory.file("Maildir"))
    }

    private func files(_ subdirectory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(maildir.path)/\(subdirectory)")
    }

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func aMailLandsInNewWithUnixLineEnds() async throws {
        let result = await maildir.deliver(head: head, body: body, token: token)
        #expect(result == .init(outcome: .delivered(code: 250)))
        let name = try #require(try files("new").first)
        let path = "\(maildir.path)/new/\(name)"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == "Return-Path: <>\nSubject: x\n\none\n.two\nthree\n")
        #expect(try mode(path) == 0o600)
        for subdirectory in ["", "/tmp", "/new", "/cur"] { #expect(try mode(maildir.path + subdirectory) == 0o700) }
        #expect(try files("tmp").isEmpty)
    }

    @Test func aRepeatedDeliveryDoesNotDouble() async throws {
        #expect(maildir.store(head: head, body: body, token: token).wasThere == false)
        #expect(
            maildir.store(head: head, body: body, token: token) == .init(outcome: .delivered(code: 250), wasThere: true)
        )
        #expect(try files("new").count == 1)
        // The reader has seen it: the file is in cur with flags.
        let name = try #require(try files("new").first)
        try FileManager.default.moveItem(
            atPath: "\(maildir.path)/new/\(name)", toPath: "\(maildir.path)/cur/\(name):2,S")
        #expect(maildir.store(head: head, body: body, token: token).wasThere)
        #expect(try files("new").isEmpty)
        // Another message is another mail.
        #expect(maildir.store(head: head, body: body, token: Digest()).wasThere == false)
        #expect(try files("new").count == 1)
    }

    @Test func aCrashInTheMiddleLeavesNothingBehind() throws {
        struct Broken: Error {}
        // As a crash leaves it: a part of the mail in tmp.
        #expect(maildir.store(head: head, body: body, token: token).outcome == .delivered(code: 250))
        let name = try #require(try files("new").first)
        try FileManager.default.moveItem(
            atPath: "\(maildir.path)/new/\(name)", toPath: "\(maildir.path)/tmp/\(name).0123456789abcdef")
        let failing = ExitBody { { throw Broken() } }
        #expect(maildir.store(head: head, body: failing, token: token).outcome == .deferred(.bodyUnreadable))
        #expect(try files("tmp").isEmpty)
        #expect(try files("new").isEmpty)
        #expect(maildir.store(head: head, body: body, token: token) == .init(outcome: .delivered(code: 250)))
        #expect(try files("new") == [name])
    }

    @Test func whatCannotBeWrittenIsDeferred() throws {
        #expect(
            MaildirDelivery(path: directory.file("no/such/parent")).store(head: head, body: body, token: token).outcome
                == .deferred(.storage))
        try Data().write(to: URL(fileURLWithPath: directory.file("file")))
        #expect(
            MaildirDelivery(path: directory.file("file")).store(head: head, body: body, token: token).outcome
                == .deferred(.storage))
    }

    @Test func manyAtOnceAreOne() async throws {
        let maildir = maildir
        let head = head
        let body = body
        let token = token
        let results = await withTaskGroup(of: MaildirDelivery.Result.self) { group in
            for _ in 0..<8 { group.addTask { await maildir.deliver(head: head, body: body, token: token) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.contains { $0.outcome == .delivered(code: 250) })
        #expect(try files("new").count == 1)
    }
}

@Suite struct LocalMailboxesTests {
    @Test func namesAreLookedUpAndNeverBecomePaths() throws {
        let table = try LocalMailboxes([("Alice", "/var/mail/alice"), ("bob", "bob@example.org")])
        #expect(table["alice"] == .maildir(path: "/var/mail/alice"))
        #expect(table["ALICE"] == .maildir(path: "/var/mail/alice"))
        #expect(table["bob"] == .mail(try MailRecipient("bob@example.org")))
        for name in ["", "carol", "../alice", "alice/../bob", ".", "..", "alice\u{0}", "/etc/passwd", "-alice"] {
            #expect(table[name] == nil)
        }
    }

    @Test func serversAndProgramsAreTargets() throws {
        let table = try LocalMailboxes([
            ("a", "lmtp:/run/dovecot/lmtp"), ("b", "lmtp:127.0.0.1:24 bob@example.org"),
            ("c", "program:/bin/take -x y"),
        ])
        #expect(table["a"] == .lmtp(.socket("/run/dovecot/lmtp"), recipient: nil))
        #expect(
            table["b"] == .lmtp(.loopback(host: "127.0.0.1", port: 24), recipient: try MailRecipient("bob@example.org"))
        )
        #expect(table["c"] == MailProgram("/bin/take -x y").map(LocalMailbox.program))
        #expect(table.targets.count == 3)
        for target in ["lmtp:", "lmtp:127.0.0.1:0", "lmtp:10.0.0.1:24", "lmtp:/a b", "lmtp:/a b@c d", "program:take"] {
            #expect(throws: LocalMailboxError.target(target)) { try LocalMailboxes([("a", target)]) }
        }
    }

    @Test func mistakesInTheTableAreNamed() {
        #expect(throws: LocalMailboxError.name("a/b")) { try LocalMailboxes([("a/b", "/x")]) }
        #expect(throws: LocalMailboxError.duplicate("a")) { try LocalMailboxes([("a", "/x"), ("A", "/y")]) }
        for target in ["", "x", "relative/path", "/var/../etc", "/a\u{0}b", "a@b@c"] {
            #expect(throws: LocalMailboxError.target(target)) { try LocalMailboxes([("a", target)]) }
        }
    }
}
