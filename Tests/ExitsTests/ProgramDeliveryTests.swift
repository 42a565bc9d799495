import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Exits

/// Mail for programs, with real ones.
@Suite(.timeLimit(.minutes(1))) struct ProgramDeliveryTests {
    private let directory: TemporaryDirectory
    private let head = Array("Subject: test\r\n\r\n".utf8)

    init() throws { directory = try TemporaryDirectory("mail-program") }

    private func script(_ text: String) throws -> MailProgram {
        let path = directory.file("take")
        try Data(("#!/bin/sh\n" + text + "\n").utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return try #require(MailProgram("\(path) \(directory.path) two"))
    }

    private func run(
        _ text: String, body: [UInt8] = Array("one\r\ntwo".utf8), limit: Interval = .seconds(20)
    ) async throws -> ExitOutcome {
        await ProgramDelivery(limit: limit).deliver(
            try script(text), sender: "bounces@exit.example", recipient: "info@exit.example", head: head,
            body: ExitBody(bytes: body))
    }

    private func file(_ name: String) throws -> String {
        try String(contentsOfFile: directory.file(name), encoding: .utf8)
    }

    @Test func theMailIsOnStandardInputAndNothingElseIsKnown() async throws {
        #expect(
            try await run(
                "cat > \"$1/mail\"; env > \"$1/env\"; echo $# $2 > \"$1/words\"; ls /proc/self/fd > \"$1/open\"; echo noise; echo noise >&2"
            ) == .delivered(code: 250))
        #expect(try file("mail") == "Subject: test\n\none\ntwo\n")
        let names = Set(try file("env").split(separator: "\n").map { $0.prefix { $0 != "=" } })
        // A shell sets the last three itself.
        #expect(names.subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == ["SENDER", "RECIPIENT"])
        #expect(try file("env").contains("SENDER=bounces@exit.example\n"))
        #expect(try file("words") == "2 two\n")
        // 3 is the directory that ls reads.
        #expect(try file("open").split(separator: "\n").count <= 4)
    }

    @Test(
        arguments: [
            (65, .refused(.contentRefused, code: nil)), (67, .refused(.recipientRefused, code: nil)),
            (68, .refused(.recipientRefused, code: nil)), (77, .refused(.recipientRefused, code: nil)),
            (69, .deferred(.temporary)), (75, .deferred(.temporary)), (1, .deferred(.programFailed)),
            (64, .deferred(.programFailed)), (127, .deferred(.programFailed)),
        ] as [(Int, ExitOutcome)])
    func exitStatus(_ status: Int, _ outcome: ExitOutcome) async throws {
        #expect(try await run("cat > /dev/null; exit \(status)") == outcome)
        // A program need not read what it does not want.
        let large = [UInt8](repeating: 97, count: 1 << 20)
        #expect(try await run("exit \(status)", body: large) == outcome)
    }

    @Test func theLastLineEndIsNotLostInAFullPipe() async throws {
        // With the head 64 KiB: what the pipe holds until the program reads.
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: (64 << 10) - 15)
        #expect(try await run("sleep 0.2; cat > \"$1/mail\"", body: body) == .delivered(code: 250))
        let mail = try file("mail")
        #expect(mail.utf8.count == (64 << 10) + 1 && mail.hasSuffix("x\n"))
    }

    @Test func aCrashAndAMissingProgramDefer() async throws {
        #expect(try await run("kill -SEGV $$") == .deferred(.programFailed))
        let missing = try #require(MailProgram(directory.file("none")))
        let outcome = await ProgramDelivery().deliver(
            missing, sender: "", recipient: "a@b", head: head, body: ExitBody(bytes: []))
        #expect(outcome == .deferred(.programFailed))
    }

    @Test func aProgramThatHangsIsKilledWithItsChildren() async throws {
        let text = "sleep 600 & echo $! > \"$1/child\"; wait"
        #expect(try await run(text, limit: .seconds(4)) == .deferred(.timeout))
        // One that takes nothing of a mail larger than a pipe holds.
        #expect(
            try await run("sleep 600", body: [UInt8](repeating: 97, count: 1 << 20), limit: .milliseconds(400))
                == .deferred(.timeout))
        let child = try #require(Int32(try file("child").dropLast()))
        try await gone(child)
    }

    @Test func whatAProgramLeavesBehindIsKilled() async throws {
        #expect(
            try await run("sleep 600 > /dev/null 2>&1 & echo $! > \"$1/child\"; cat > /dev/null")
                == .delivered(code: 250))
        try await gone(try #require(Int32(try file("child").dropLast())))
    }

    @Test func stoppingKills() async throws {
        let program = try script("echo > \"$1/begun\"; sleep 600")
        let head = head
        let task = Task {
            await ProgramDelivery().deliver(
                program, sender: "", recipient: "a@b", head: head, body: ExitBody(bytes: [97]))
        }
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: directory.file("begun")), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        task.cancel()
        #expect(await task.value == .deferred(.shutdown))
    }

    @Test func aBodyThatCannotBeReadDefers() async throws {
        struct Failure: Error {}
        let outcome = await ProgramDelivery().deliver(
            try script("cat > /dev/null"), sender: "", recipient: "a@b", head: head,
            body: ExitBody { throw Failure() })
        #expect(outcome == .deferred(.bodyUnreadable))
    }

    @Test func programsAreNamedWithoutAShell() {
        #expect(MailProgram("/usr/bin/take  -a b;c")?.arguments == ["-a", "b;c"])
        for bad in ["", "take", "./take", "/usr/../bin/take", "/a\u{0}b"] { #expect(MailProgram(bad) == nil) }
    }

    /// A process is gone, or waits for whoever takes in orphans.
    private func gone(_ process: Int32) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            !status.contains(") Z ")
        {
            guard ContinuousClock.now < deadline else {
                Issue.record("process \(process) still runs")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
