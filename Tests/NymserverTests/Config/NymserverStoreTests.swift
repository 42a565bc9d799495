import Daemon
import Foundation
import NymProtocol
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("The database of a key and of a domain", .timeLimit(.minutes(3)))
struct NymserverStoreTests {
    @Test("a key that was used gets no second database, a database no second domain, init makes no second key")
    func once() throws {
        let directory = try TemporaryDirectory("nymserver-store")
        let config = directory.file("nym.toml")
        let new = NewNymserver(
            domain: "nym.example", operatorAddress: "you@example.org", network: "none",
            dataDirectory: directory.file("data"))
        try NymserverCommands().initialize(config, new)
        let files = NymserverFiles(directory: directory.file("data"))
        let keys = try files.loadKeys()
        try files.openStore(keys, domain: "nym.example").close()
        try files.openStore(keys, domain: "nym.example").close()
        let domain = try #require(throws: CommandFailure.self) {
            try files.openStore(keys, domain: "other.example").close()
        }
        #expect("\(domain)".contains("belongs to the domain nym.example"))
        try FileManager.default.removeItem(atPath: files.database)
        let second = try #require(throws: CommandFailure.self) {
            try files.openStore(keys, domain: "nym.example").close()
        }
        #expect("\(second)".contains("nightjar-nymserver init"))
        // As the message says.
        try FileManager.default.removeItem(atPath: files.key)
        try NymserverCommands().initialize(config, NewNymserver())
        try files.openStore(files.loadKeys(), domain: "nym.example").close()
        try FileManager.default.removeItem(atPath: files.key)
        #expect(throws: CommandFailure.self) { try NymserverCommands().initialize(config, NewNymserver()) }
    }

    @Test("close ends a nym as its owner would; its names are given to nobody again, and it is counted")
    func close() async throws {
        var random = SeededRandom(name: "close")
        let stage = try await NymserverStage(try MixNetwork())
        let alice = try stage.make("alice", using: &random)
        let config = stage.directory.file("nym.toml")
        let text = """
            domain = "nym.example"
            operator = "you@example.org"
            data-directory = "\(stage.directory.path)"
            network-file = "network"
            [smtp]
            hello = "test"
            host = "127.0.0.1"
            port = 25
            security = "none"
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: config))
        let caller = try stage.caller()
        #expect(try caller.deliver(MailDoorTests.mail("one"), to: "alice@nym.example").hasPrefix("250"))
        // Beside the server that has the database open.
        try NymserverCommands().close(configuration: config, name: "alice@nym.example")
        try NymserverCommands().close(configuration: config, name: "alice")
        #expect(throws: CommandFailure.self) { try NymserverCommands().close(configuration: config, name: "bob") }
        #expect(try stage.parts.store.closures() == 1 && stage.parts.store.counts().items == 0)
        #expect(try caller.deliver(MailDoorTests.mail("two", id: "2"), to: "alice@nym.example").hasPrefix("550"))
        try stage.pass(.hours(2), to: alice)
        // Midnight may have passed between.
        let day = NymTiming.day(of: stage.now - .hours(2)) + 2
        #expect([day, day + 1].contains(alice.statuses.last?.closesOn ?? 0))
        await stage.close()
    }
}
