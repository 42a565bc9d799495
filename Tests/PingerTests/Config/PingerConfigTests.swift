import Daemon
import Directory
import DirectoryService
import Measurement
import Messages
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("A pinger's configuration")
struct PingerConfigTests {
    static func sample() throws -> String { try SourceFile.text("etc/nightjar-pinger.toml") }

    static func settings(_ text: String) throws -> PingerSettings {
        let file = try ConfigFile(text: text, name: "pinger.toml", directory: "/etc/nightjar")
        let settings = PingerSettings.read(file.root)
        try file.finish()
        return settings
    }

    /// The message for a file that is wrong.
    static func complaint(_ text: String) -> String {
        do {
            _ = try settings(text)
            return ""
        } catch { return "\(error)" }
    }

    @Test("the sample has every setting, and no other")
    func sampleIsComplete() throws {
        let keys = ConfigFile.keys { _ = PingerSettings.read($0) }
        #expect(ConfigAudit.differences(keys: keys, sample: try Self.sample()) == [])
        for key in keys { #expect(key.doc.count > 20 && key.doc.hasSuffix("."), "\(key.path)") }
    }

    @Test("the sample can be read as it is, and gives the defaults")
    func sampleIsReadable() throws {
        let settings = try Self.settings(Self.sample())
        #expect(settings.name.text == "owl")
        #expect(settings.probesPerHour == 240 && settings.deadline == .hours(6) && settings.mailboxes == 16)
        #expect(settings.pollInterval == .minutes(5) && settings.handshakesPerHour == 60)
        #expect(settings.keepProbes == .days(30) && settings.keepDays == .days(365))
        #expect(settings.publishesReports && settings.reportInterval == nil)
        #expect(settings.deliveries == nil && settings.outputDirectory == nil && settings.metrics == nil)
        #expect(settings.estimation.deadline == .hours(6))
    }

    @Test("what the sample shows as an example or a default can be set")
    func sampleWithoutMarks() throws {
        let all = SourceFile.unmarked(try Self.sample())
        let settings = try Self.settings(all.joined(separator: "\n"))
        #expect(settings.deliveries?.address.description == "smtp:tests@example.org")
        #expect(settings.deliveries?.maildir == "/var/mail/pinger" && settings.deliveries?.perHour == 6)
        #expect(settings.networkDigest != nil && settings.reportInterval == .minutes(20))
        #expect(settings.directory.proxy != nil && settings.metrics?.port == 48_102)
    }

    @Test("a setting that nobody knows is an error with a suggestion")
    func typo() {
        #expect(Self.complaint("name = \"owl\"\nprobes-per-hours = 3\n").contains("probes-per-hour"))
        #expect(Self.complaint("name = \"owl\"\n[delivery]\nadress = \"a@b.example\"\n").contains("address"))
        #expect(Self.complaint("").contains("'name' is missing"))
    }

    @Test(
        "what cannot be is told",
        arguments: [
            "name = \"0123456789\"", "name = \"owl\"\nprobes-per-hour = 0", "name = \"owl\"\ndeadline = \"10s\"",
            "name = \"owl\"\nmailboxes = 0", "name = \"owl\"\nnetwork-digest = \"ab\"",
            "name = \"owl\"\nkeep-probes = \"1d\"\ndeadline = \"5d\"",
            "name = \"owl\"\n[delivery]\naddress = \"tests@example.org\"",
            "name = \"owl\"\n[delivery]\naddress = \"box:x@y\"\nmaildir = \"m\"",
            "name = \"owl\"\n[directory]\nsources = [\"ftp://x\"]",
            "name = \"owl\"\n[directory]\nproxy = \"nonsense\"",
        ])
    func wrong(_ text: String) {
        let complaint = Self.complaint(text + "\n")
        #expect(complaint.contains("pinger.toml"), "\(complaint)")
    }

    @Test("settings with which working nodes would seem to lose probes are refused, with what to do")
    func measuringFalsely() throws {
        let head = "name = \"owl\"\n"
        let full = Self.complaint(head + "probes-per-hour = 3600\nmailboxes = 1\npoll-interval = \"30m\"\n")
        #expect(full.contains("fill the mailboxes") && full.contains("poll-interval"), "\(full)")
        #expect(Self.complaint(head + "probes-per-hour = 36000\n").contains("fill the mailboxes"))
        #expect(Self.complaint(head + "deadline = \"1m\"\n").contains("six times the poll-interval"))
        #expect(Self.complaint(head + "poll-interval = \"61m\"\n").contains("six times the poll-interval"))
        // Just so.
        _ = try Self.settings(head + "poll-interval = \"1h\"\n")
        _ = try Self.settings(head + "probes-per-hour = 1800\nmailboxes = 1\n")
        #expect(Self.complaint(head + "probes-per-hour = 1801\nmailboxes = 1\n").contains("fill the mailboxes"))
    }

    @Test("with fewer mailboxes than configured each gets no more than it can hold")
    func fewerMailboxes() throws {
        let settings = try Self.settings("name = \"owl\"\nprobes-per-hour = 18000\n")
        #expect(settings.sendingShare(mailboxes: 16) == 1 && settings.sendingShare(mailboxes: 10) == 1)
        #expect(settings.sendingShare(mailboxes: 5) == 0.5 && settings.sendingShare(mailboxes: 1) == 0.1)
        #expect(settings.sendingShare(mailboxes: 0) == settings.sendingShare(mailboxes: 1))
        #expect(try Self.settings("name = \"owl\"\n").sendingShare(mailboxes: 1) == 1)
    }

    @Test("paths start from the file's directory")
    func paths() throws {
        let settings = try Self.settings("name = \"owl\"\ndata-directory = \"d\"\nnetwork-file = \"n\"\n")
        #expect(settings.dataDirectory == "/etc/nightjar/d" && settings.networkFile == "/etc/nightjar/n")
    }
}
