import Daemon
import Logging
import TestSupport
import Testing
import WireFormat

@Suite struct LogTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func lines(_ name: String = "log") throws -> [String] {
        String(decoding: try AtomicFile.read(directory.file(name), limit: 1 << 20), as: UTF8.self)
            .split(separator: "\n").map { String($0) }
    }

    @Test func linesHaveSecondsLevelAndSource() throws {
        let sink = try LogSink(.file(directory.file("log")), now: { Timestamp(milliseconds: 1_800_000_000_500) })
        var logger = sink.logger("node")
        logger[metadataKey: "zone"] = "b"
        logger.info("spool opened", metadata: ["files": "3"])
        logger.debug("not written")
        sink.level = .debug
        logger.debug("written")
        logger.logLevel = .critical
        logger.error("not written either")
        #expect(
            try lines() == [
                "2027-01-15T08:00:00Z info node: spool opened files=3 zone=b",
                "2027-01-15T08:00:00Z debug node: written zone=b",
            ])
    }

    @Test func linesCannotBeForgedAndAreCut() throws {
        let sink = try LogSink(.file(directory.file("log")))
        sink.logger("node").info("a\nb\u{1B}[31m\u{202E}c\r")
        sink.logger("node").info("\(String(repeating: "ü", count: 5000))")
        let written = try lines()
        #expect(written.count == 2)
        #expect(written[0].hasSuffix("info node: a?b?[31m?c?"))
        #expect(written[1].utf8.count < LogSink.longestLine + 100 && written[1].hasSuffix("..."))
    }

    @Test func aFloodIsCutAndSaidAndDoesNotHideErrors() throws {
        let clock = ManualClock(Timestamp(seconds: 1_800_000_000))
        let sink = try LogSink(.file(directory.file("log")), linesPerSecond: 10, now: { clock.now() })
        for _ in 0..<1000 { sink.logger("node").info("flood") }
        sink.logger("node").error("disk full")
        #expect(try lines().count == 11)
        clock.advance(by: .seconds(1))
        sink.logger("node").info("calm")
        let written = try lines()
        #expect(written.count == 13)
        #expect(written[10].hasSuffix("error node: disk full"))
        #expect(written[11].hasSuffix("warning node: 990 lines were left out, there were too many"))
        #expect(written[12].hasSuffix("info node: calm"))
    }

    @Test func aLogThatCannotBeWrittenIsCounted() throws {
        let sink = try LogSink(.file("/dev/full"))
        sink.logger("node").info("lost")
        #expect(sink.failedWrites == 1)
        let failure = #expect(throws: CommandFailure.self) { try LogSink(.file(directory.file("none/log"))) }
        #expect(failure?.message == "cannot open the log file \(directory.file("none/log")): no such file or directory")
    }

    @Test func settingsComeFromTheFile() throws {
        let file = try ConfigFile(
            text: "[log]\nlevel = \"debug\"\nfile = \"a.log\"\nlines-per-second = 5", name: "x", directory: "/d")
        let settings = LogSettings(file.root)
        try file.finish()
        #expect(settings == LogSettings(destination: .file("/d/a.log"), level: .debug, linesPerSecond: 5))
    }
}

@Suite struct LogSafetyTests {
    @Test(arguments: [
        "from 192.168.3.4:5000", "peer 10.0.0.1", "to [2001:db8::1]:48099", "::1 connected", "for alice@example.org",
        "id 3f2a9c0d11223344556677889900aabbccddeeff00112233", "tag=Zm9vYmFyYmF6MTIzNDU2Nzg5MGFiY2RlZg==",
    ])
    func whatMustNotBeLoggedIsFound(line: String) {
        #expect(LogSafety.findings(in: "started\n\(line)\n").map(\.line) == [2])
    }

    @Test(arguments: [
        "2027-01-15T08:00:00Z info node: started", "listening on port 48099", "64 MiB of 1.5 GiB used, version 1.2.3",
        "the-configuration-stays-as-it-was", "spool.quota at 80 %", "12:30:45 is the time", "node.toml:12: wrong",
    ])
    func ordinaryLinesAreLeftAlone(line: String) { #expect(LogSafety.findings(in: line).isEmpty) }

    @Test func givenSecretsAreFoundAndGivenExceptionsAllowed() {
        #expect(
            LogSafety.findings(in: "a\nmeet at noon", secrets: ["noon"]).map(\.description) == [
                "line 2: holds a secret of 4 characters"
            ])
        #expect(LogSafety.findings(in: "listening on 127.0.0.1", allowed: ["127.0.0.1"]).isEmpty)
    }
}
