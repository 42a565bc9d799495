import Daemon
import Directory
import Foundation
import MixCrypto
import Testing
import WireFormat

@testable import AuthorityProgram

@Suite("Certificates and configuration", .timeLimit(.minutes(5)))
struct CertificateCommandTests {
    @Test("certify: wrong identity, wrong request, too many days")
    func certify() async throws {
        let table = try await PaperNetwork().table
        let certify = "certify --request alice/certificate.request"
        let days = try await table.run("\(certify) --identity alice.key --valid-days 91")
        #expect(days.code == 2 && days.messages == "--valid-days takes 1 to 90\n")
        let wrong = try await table.run("\(certify) --identity bob.key --network network")
        #expect(wrong.code == 4 && wrong.messages == "bob.key is not the identity of alice that network names\n")
        for (name, content) in [
            ("hello", "hello\n"), ("changed", table.text("alice/certificate.request").replacing("alice", with: "bob")),
            ("half", String(table.text("alice/certificate.request").prefix(700))),
        ] {
            try table.file(name, content)
            let answer = try await table.run("certify --request \(name) --identity alice.key")
            #expect(answer.code == 1 && answer.messages.hasPrefix("\(name) is not a certificate request"), "\(answer)")
        }
        // Without the network file the offline machine cannot know; installing it does.
        try await table.must("\(certify) --identity bob.key --output bad.certificate")
        let install = try await table.run("certificate install bad.certificate --config alice.toml")
        #expect(install.code == 4)
        #expect(install.messages.contains("the certificate of authority alice is not signed by its identity"))
        let others = try await table.run("certificate install bob.certificate --config alice.toml")
        #expect(others.code == 4 && others.messages.contains("is the certificate of bob, and this authority is alice"))
        let hello = try await table.run("certificate install hello --config alice.toml")
        #expect(hello.code == 1 && hello.messages.contains("hello is not a certificate"))
        let shown = try await table.must("certificate show --config alice.toml")
        #expect(shown.output.contains("authority    alice in the network paper\n"))
        #expect(shown.output.contains("left         89 days\n"))
    }

    @Test("a new key follows the old one when its certificate is installed")
    func renewal() async throws {
        let table = try await PaperNetwork().table
        let old = table.bytes("alice/signing.key")
        try await table.must("certificate request --config alice.toml --output same.request")
        try await table.must(
            "certify --identity alice.key --request same.request --valid-days 30 --output same.certificate")
        try await table.must("certificate install same.certificate --config alice.toml")
        #expect(table.bytes("alice/signing.key") == old)
        let soon = try await table.must("certificate show same.certificate --json")
        #expect(soon.output.contains("\"daysLeft\" : 29"))
        try await table.must("certificate request --new-key --config alice.toml --output new.request")
        #expect(table.bytes("alice/signing.key") == old, "the old key signs until then")
        try await table.must("check-config --config alice.toml")
        try await table.must("certify --identity alice.key --request new.request --output new.certificate")
        try await table.must("certificate install new.certificate --config alice.toml")
        #expect(table.bytes("alice/signing.key") != old)
        try await table.must("check-config --config alice.toml")
        let back = try await table.run("certificate install same.certificate --config alice.toml")
        #expect(back.code == 4 && back.messages.contains("is for another signing key than"))
    }

    @Test("check-config tells everything that keeps an authority from starting")
    func checkConfig() async throws {
        let table = try await PaperNetwork().table
        let check = "check-config --config alice.toml"
        #expect(try await table.must(check).messages.contains("has no address of alice"))
        let toml = table.text("alice.toml")

        func expect(_ code: Int32, _ words: String, after command: String) async throws {
            try await table.shell("cp -a alice saved; cp network saved.network; \(command)")
            let answer = try await table.run(check)
            #expect(answer.code == code && answer.messages.contains(words), "\(command): \(answer)")
            try await table.shell("rm -rf alice; mv saved alice; mv saved.network network")
            try table.file("alice.toml", toml)
        }
        try await expect(1, "there is no network file at", after: "rm network")
        try await expect(1, "run `nightjar-authority init", after: "rm -r alice")
        try await expect(
            1, "alice is not there", after: "mv alice/signing.key alice/other; mv alice alice.gone; mkdir x")
        try await table.shell("rm -rf alice.gone x")
        try await expect(
            1, "signing.key is not there; make one with: nightjar-authority init", after: "rm alice/signing.key")
        try await expect(1, "must be certified by this authority's identity first", after: "rm alice/certificate")
        try await expect(1, "is no certificate", after: "echo hello > alice/certificate")
        try await expect(1, "is of bob, but this authority is alice", after: "cp bob/certificate alice/certificate")
        try await expect(1, "is for another key than", after: "cp bob/signing.key alice/signing.key")
        try await expect(1, "chmod 700", after: "chmod 755 alice")
        try await expect(1, "network is not a network file", after: "echo hello > network")
        try await expect(4, "but 2 are needed", after: "nightjar-authority draft-network network.toml --output network")
        try await expect(
            2, "there is no setting 'lisen'; did you mean 'listen'?", after: "sed -i '1i lisen = 1' alice.toml")
        try await expect(
            2, "names no authority dave, only alice, bob, carol", after: "sed -i 's/\"alice\"/\"dave\"/' alice.toml")
        try await expect(
            1, "is not an authority's database",
            after: "sqlite3 alice/authority.sqlite 'CREATE TABLE t (x)' || "
                + "cp network alice/authority.sqlite")
        #expect(try await table.run(check).code == 0, "everything is as it was")
    }

    @Test("an expired certificate is told, with what to do")
    func expired() async throws {
        let table = try await PaperNetwork().table
        let now = Timestamp(seconds: ScaledClock.systemTime().seconds)
        let identity = try IdentityFile.load(table.path("alice.key"), passphrase: .terminal)
        let key = try AuthorityFiles.loadSigningKey(table.path("alice/signing.key"))
        func install(from: Timestamp, until: Timestamp) throws {
            let bytes = try AuthorityCertificate.make(
                network: "paper", name: try #require(Nickname("alice")), identity: identity, key: key.verificationKey,
                published: from, validUntil: until)
            try table.file("alice/certificate", bytes)
        }
        try install(from: now - .days(40), until: now - .days(1))
        for command in ["check-config", "vote", "run"] {
            let answer = try await table.run("\(command) --config alice.toml")
            #expect(answer.code == 4, "\(command): \(answer)")
            #expect(
                answer.messages.contains("the certificate of authority alice is good from"), "\(command): \(answer)")
            #expect(answer.messages.contains("; renew it: nightjar-authority certificate request"))
        }
        let shown = try await table.must("certificate show --config alice.toml")
        #expect(shown.output.contains("left         expired\n"))
        let installing = try await table.run("certificate install alice/certificate --config alice.toml")
        #expect(installing.code == 4)
        try install(from: now - .days(80), until: now + .days(5))
        let soon = try await table.must("check-config --config alice.toml")
        #expect(
            soon.messages.contains("warning: the certificate expires in 4 days") || soon.messages.contains("in 5 days"))
    }

    @Test("init makes what is missing and leaves what is there")
    func initialize() async throws {
        let table = try await PaperNetwork().table
        let key = table.bytes("alice/signing.key")
        let again = try await table.must("init --config alice.toml")
        #expect(table.bytes("alice/signing.key") == key && again.output.hasPrefix("authority alice\nsigning key "))
        let other = try await table.run("init --config alice.toml --name bob")
        #expect(other.code == 2 && other.messages.contains("is there already, for the authority alice"))
        let unnamed = try await table.run("init --config new.toml")
        #expect(unnamed.code == 2 && unnamed.messages == "there is no new.toml; to make one, give --name NAME\n")
        let bad = try await table.run("init --config new.toml --name 1x")
        #expect(bad.code == 2 && bad.messages.contains("starts with a letter"))
        let stranger = try await table.run("init --config new.toml --name dave --network network --data-directory new")
        #expect(stranger.code == 2 && stranger.messages.contains("names no authority dave, only alice, bob, carol"))
        try await table.shell("rm new.toml")
        let early = try await table.must(
            "init --config new.toml --name dave --network-name paper --data-directory dave")
        #expect(early.messages.contains("certificate.request to the machine with the identity key"))
        #expect(table.text("dave/certificate.request").hasPrefix("nightjar-certificate-request 1\nnetwork paper\n"))
        let status = try await table.run("status --config alice.toml")
        #expect(status.code == 1 && status.messages == "the authority alice does not run\n")
    }
}
