import Daemon
import Exits
import Foundation
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("A nymserver's configuration")
struct NymserverConfigTests {
    static func sample() throws -> String { try SourceFile.text("etc/nightjar-nymserver.toml") }

    static func settings(_ text: String) throws -> NymserverSettings? {
        let file = try ConfigFile(text: text, name: "nymserver.toml", directory: "/etc/nightjar")
        let settings = NymserverSettings.read(file.root)
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
        let keys = ConfigFile.keys { _ = NymserverSettings.read($0) }
        #expect(ConfigAudit.differences(keys: keys, sample: try Self.sample()) == [])
        for key in keys { #expect(key.doc.count > 8 && key.doc.hasSuffix("."), "\(key.path)") }
    }

    @Test("the sample can be read as it is, and gives the defaults")
    func sampleIsReadable() throws {
        let settings = try #require(try Self.settings(Self.sample()))
        #expect(settings.domain == "nym.example" && settings.operatorAddress.address == "you@example.org")
        #expect(settings.limits == NymLimits())
        #expect(settings.lmtp == .socket("/run/nightjar-nymserver/lmtp") && settings.policyListen == nil)
        #expect(settings.showsDisplayNames && settings.retries == RetrySchedule() && settings.metrics == nil)
        #expect(settings.smtp.helloName == "mail.nym.example" && settings.smtp.port == 25)
    }

    @Test("what the sample shows as an example or a default can be set")
    func sampleWithoutMarks() throws {
        let all = SourceFile.unmarked(try Self.sample())
        // There is no password on this machine.
        let text = all.filter { !$0.hasPrefix("user =") && !$0.hasPrefix("password-file") }.joined(separator: "\n")
        let settings = try #require(try Self.settings(text))
        #expect(settings.policyListen == .socket("/run/nightjar-nymserver/policy"))
        #expect(settings.retries.pauses == [.minutes(5)] && settings.limits == NymLimits())
    }

    static let least = "domain = \"nym.example\"\noperator = \"you@example.org\"\n[smtp]\nhello = \"h.example\"\n"

    @Test("mistakes are told, each in its own words")
    func mistakes() {
        #expect(Self.complaint(Self.least) == "")
        #expect(Self.complaint("").contains("domain"))
        #expect(
            Self.complaint(Self.least.replacingOccurrences(of: "nym.example", with: "Nym.Example")).contains("lower"))
        #expect(
            Self.complaint(Self.least.replacingOccurrences(of: "you@example.org", with: "you")).contains("mail address")
        )
        #expect(
            Self.complaint(Self.least.replacingOccurrences(of: "you@example.org", with: "you@nym.example"))
                .contains("another domain"))
        #expect(Self.complaint("lmtp = \"0.0.0.0:25\"\n" + Self.least).contains("lmtp"))
        #expect(Self.complaint(Self.least + "[limits]\nquota = \"64 KiB\"\nmail-size = \"64 KiB\"\n").contains("quota"))
        #expect(Self.complaint("quota = 3\n" + Self.least).contains("quota"))
    }
}
