import Daemon
import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// What an authority says that cannot start, and what to run.
@Suite struct AuthorityIdentityTests {
    private let fleet: AuthorityFleet
    private let now = ScaledClock.systemTime()

    init() throws { fleet = try AuthorityFleet(2) }

    private func failure(_ settings: AuthoritySettings, at time: Timestamp? = nil) -> String {
        do {
            let network = try AuthorityIdentity.network(settings.networkFile)
            try AuthorityIdentity.check(settings, network: network)
            _ = try AuthorityIdentity.signer(settings, network: network, at: time ?? now)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func aWholeOneStarts() { #expect(failure(fleet.settings[0]) == "") }

    @Test func aCertificateThatIsOverIsNotUsed() {
        let text = failure(fleet.settings[0], at: now + .days(31))
        #expect(text.contains("is good from") && text.contains("renew it: nightjar-authority certificate request"))
        #expect(failure(fleet.settings[0], at: now + .days(29)) == "")
    }

    @Test func aMissingOneSaysWhatToRun() throws {
        var settings = fleet.settings[0]
        settings.certificate = fleet.directory.file("nothing")
        #expect(failure(settings).contains("must be certified by this authority's identity first"))
        settings = fleet.settings[0]
        settings.signingKey = fleet.directory.file("nothing")
        #expect(failure(settings).contains("make one with: nightjar-authority init"))
        settings = fleet.settings[0]
        settings.networkFile = fleet.directory.file("nothing")
        #expect(failure(settings).contains("cannot read"))
        try AtomicFile.write(text: "nonsense\n", to: fleet.directory.file("nonsense"))
        settings.networkFile = fleet.directory.file("nonsense")
        #expect(failure(settings).contains("is no network file"))
        settings = fleet.settings[0]
        settings.certificate = fleet.directory.file("nonsense")
        #expect(failure(settings).contains("is no certificate"))
    }

    @Test func anothersIsNotUsed() {
        var settings = fleet.settings[0]
        settings.certificate = fleet.settings[1].certificate
        #expect(failure(settings).contains("is of authority1, but this authority is authority0"))
        settings = fleet.settings[0]
        settings.signingKey = fleet.settings[1].signingKey
        #expect(failure(settings).contains("is for another key"))
        settings.name = Nickname("stranger") ?? settings.name
        #expect(failure(settings).contains("names no authority stranger, only authority0, authority1"))
    }

    @Test func aKeyThatOthersCanReadIsRefused() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: fleet.settings[0].signingKey)
        #expect(failure(fleet.settings[0]).contains("can be read by others; run: chmod 600"))
    }

    @Test func theSettingsAreChecked() throws {
        let text = """
            name = "one"
            lisen = "127.0.0.1:1"
            bad = ["xyz"]
            [parameters]
            hops = 9
            """
        let file = try ConfigFile(text: text, name: "authority.toml")
        _ = AuthoritySettings.read(file.root)
        do {
            try file.finish()
            Issue.record("it was taken")
        } catch {
            let words = error.description
            #expect(words.contains("did you mean 'listen'?"))
            #expect(words.contains("'xyz' is not a node id"))
            #expect(words.contains("9 is out of the range"))
        }
        let good = try ConfigFile(
            text: "name = \"one\"\n[parameters]\nhops = 3\n[limits]\nnodes = 7\n", name: "authority.toml")
        let settings = AuthoritySettings.read(good.root)
        try good.finish()
        #expect(settings.votedParameters(RootParameters()).hops == 3 && settings.registry.maximumNodes == 7)
        #expect(settings.signingKey == "/var/lib/nightjar/authority/signing.key")
    }
}
