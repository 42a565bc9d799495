// From the command line over real links to first nodes: everything arrives, or waits and arrives later.

import Daemon
import Directory
import Foundation
import Glibc
import MMTP
import Messages
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5)))
struct DeliveryTests {
    @Test func aTextArrivesAtAnExitByAPathOfFiveNodes() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let run = try await user.run(
            "send", "--to", "alice@example.org", "--subject", "Grüße", "--from-name", "A Friend",
            input: "Hello\nAlice\n")
        #expect(run == Transcript(messages: "sent: 1 packet handed over\n"))

        let message = try #require(try network.messages().first)
        #expect(["echo", "foxtrot"].contains(message.exit))
        #expect(message.envelope.recipients.map(\.description) == ["smtp:alice@example.org"])
        #expect(message.envelope.fields[.displayName] == "A Friend")
        #expect(message.envelope.fields[.subject]?.hasPrefix("=?utf-8?b?") == true)
        #expect(String(decoding: message.body, as: UTF8.self) == "Hello\r\nAlice\r\n")
        let journey = try network.journeys()[0]
        #expect(journey.path.count == 5 && Set(journey.path).count == 5)
        #expect(try await user.run("queue", "list") == Transcript(output: "no packets wait\n"))
        await network.stop()
    }

    @Test func aMailLosesWhatTellsWhoSentIt() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let mail = """
            Received: from laptop by mail.example.com
            From: Carol <carol@example.com>
            To: alice@example.org
            Cc: dave@example.com
            Subject: Hello
            X-Mailer: Secret 1.0
            Message-ID: <1@laptop.example.com>

            The body.

            """
        let run = try await user.run("send", "--to", "alice@example.org", user.file("mail.eml", mail))
        #expect(
            run
                == Transcript(
                    messages: """
                        left out of the mail's header, as it would tell who you are: Received, From, To, Cc, X-Mailer, Message-ID
                        sent: 1 packet handed over

                        """))
        let message = try #require(try network.messages().first)
        #expect(message.envelope.fields == [.subject: "Hello"])
        #expect(String(decoding: message.body, as: UTF8.self) == "The body.\r\n")
        await network.stop()
    }

    @Test func aLargeMailGoesInPartsByManyPathsToOneExit() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "aLargeMailGoesInParts")
        let text = Base64.encode(random.bytes(220_000)).chunks(of: 76).joined(separator: "\r\n") + "\r\n"
        let run = try await user.run("send", "--to", "alice@example.org", "--json", "--quiet", user.file("mail", text))
        #expect(run.code == 0, "\(run)")
        #expect(run.messages == "")
        let report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
        // Incompressible to some 225 kB: 9 shares of data and 4 of redundancy.
        #expect(
            report
                == Report(
                    network: "testing", packets: 13, parts: 13, handedOver: 13, waiting: 0, waitingFromEarlier: 0,
                    leftOut: []))

        let message = try #require(try network.messages().first)
        let isWhole = message.body.elementsEqual(text.utf8)
        #expect(isWhole)
        let journeys = try network.journeys()
        #expect(Set(journeys.map(\.path)).count > 6)
        await network.stop()
    }

    @Test func copiesGoByPathsOfTheirOwn() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let run = try await user.run("send", "--to", "alice@example.org", "--copies", "4", input: "Hello\n")
        #expect(run == Transcript(messages: "sent: 4 packets handed over\n"))
        let messages = try network.messages()
        #expect(messages.map(\.packets) == [4] && messages.map(\.parts) == [1])
        #expect(Set(try network.journeys().map(\.path)).count > 1)
        await network.stop()
    }

    @Test func recipientsOfDifferentKindsGetMessagesOfTheirOwn() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let run = try await user.run(
            "send", "--to", "alice@example.org", "--to", "mbox:info@echo", "--to", "Bob@Example.ORG", "--path", "?,*2",
            input: "Hello\n")
        #expect(run == Transcript(messages: "sent: 2 packets handed over\n"))
        let messages = try network.messages()
        #expect(
            messages.map { $0.envelope.recipients.map(\.description) }
                == [["mbox:info@echo"], ["smtp:alice@example.org", "smtp:Bob@example.org"]])
        #expect(messages.first?.exit == "echo")
        #expect(try network.journeys().allSatisfy { $0.path.count == 3 })
        await network.stop()
    }

    @Test func urgentMailSaysWhatItCostsAndHasShortDelays() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let run = try await user.run("send", "--to", "alice@example.org", "--urgent", "--copies", "8", input: "Hello\n")
        #expect(
            run
                == Transcript(
                    messages: """
                        --urgent costs anonymity: with a mean delay of 5s a hop mixes your packets with about 2.0 others instead of \
                        48 (2m), which hides you by about 2.4 bits instead of 7.0 at each hop; leave it out if you can wait
                        sent: 8 packets handed over

                        """))
        let delays = try network.journeys().flatMap(\.delays).map(Double.init)
        // 40 draws of mean 5 s: their mean is over 10 s once in 10^7 runs.
        #expect(delays.count == 40 && delays.reduce(0, +) / 40 < 10_000)
        await network.stop()
    }

    @Test func aDeadFirstHopLosesNothing() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        for node in network.nodes where node.name != "alpha" { try await node.start() }
        // By alpha alone: everything waits.
        var run = try await user.run(
            "send", "--to", "alice@example.org", "--copies", "3", "--path", "alpha,*,echo", input: "One\n")
        #expect(
            run
                == .failure(
                    3, "3 of 3 packets wait in the queue because alpha does not answer; run: nightjar queue flush"))
        let list = try await user.run("queue", "list", "--json")
        let lines = try JSONDecoder().decode([QueueEntry].self, from: Data(list.output.utf8))
        #expect(lines.map(\.node) == ["alpha"] && lines.map(\.packets) == [3])

        // A later mail by another node goes, and tells what still waits.
        run = try await user.run("send", "--to", "bob@example.org", "--path", "bravo,*,echo", input: "Two\n")
        #expect(
            run
                == Transcript(
                    messages: """
                        sent: 1 packet handed over
                        3 packets of earlier mails wait in the queue because alpha does not answer; run: nightjar queue flush

                        """))
        run = try await user.run("queue", "flush")
        #expect(run == .failure(3, "3 of 3 packets still wait because alpha does not answer; try again later"))

        // When alpha is back the next mail takes the old ones along.
        try await network["alpha"].start()
        run = try await user.run("send", "--to", "carol@example.org", "--path", "charlie,*,echo", input: "Three\n")
        #expect(run == Transcript(messages: "sent: 1 packet handed over\n"))
        #expect(network["alpha"].taken.count == 3)
        #expect(
            try network.messages().map { $0.envelope.recipients[0].description }
                == ["smtp:alice@example.org", "smtp:bob@example.org", "smtp:carol@example.org"])
        #expect(try await user.run("queue", "flush") == Transcript(messages: "no packets wait\n"))
        await network.stop()
    }

    @Test func aNodeThatIsFullKeepsPacketsWaiting() async throws {
        let network = try TestNetwork()
        try await network.start()
        network["alpha"].answers(.rejected(.full))
        let user = try User()
        try await user.join(network)
        var run = try await user.run(
            "send", "--to", "alice@example.org", "--path", "alpha,*,echo", "--timeout", "5s", input: "One\n")
        #expect(run == .failure(3, "1 of 1 packet waits in the queue because alpha is busy; run: nightjar queue flush"))
        network["alpha"].answers(.received)
        run = try await user.run("queue", "flush")
        #expect(run == Transcript(messages: "1 packet handed over\n"))
        #expect(try network.messages().count == 1)
        await network.stop()
    }

    @Test func aNodeThatIsSilentHoldsNobodyUp() async throws {
        let network = try TestNetwork()
        try await network.start()
        network["alpha"].answers(nil)
        let user = try User()
        try await user.join(network)
        let start = ContinuousClock.now
        var run = try await user.run(
            "send", "--to", "alice@example.org", "--path", "alpha,*,echo", "--timeout", "5s", input: "One\n")
        #expect(
            run
                == .failure(
                    3,
                    "1 of 1 packet waits in the queue because alpha has not taken them in time; run: nightjar queue flush"
                ))
        // Far below the minute that a connection may be silent.
        #expect(ContinuousClock.now - start < .seconds(30))
        await network["alpha"].stop()
        network["alpha"].answers(.received)
        try await network["alpha"].start()
        run = try await user.run("queue", "flush")
        #expect(run == Transcript(messages: "1 packet handed over\n"))
        await network.stop()
    }

    @Test func packetsCanBeQueuedOnlyAndCleaned() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        let queued = try await user.run(
            "send", "--no-deliver", "--copies", "2", "--path", "alpha,*,echo", "--to", "alice@example.org",
            input: "One\n")
        #expect(queued == Transcript(messages: "2 packets wait in the queue; run: nightjar queue flush\n"))
        _ = try await user.run(
            "send", "--no-deliver", "--path", "bravo,*,echo", "--to", "alice@example.org", input: "Two\n")

        #expect(try await user.run("queue", "clean") == .failure(2, "this cannot be undone; say --yes if you mean it"))
        #expect(
            try await user.run("queue", "clean", "--destination", "bravo", "--older-than", "1h", "--yes")
                == Transcript(messages: "no packets wait\n"))
        #expect(
            try await user.run("queue", "clean", "--destination", "bravo", "--yes")
                == Transcript(messages: "1 packet removed\n"))
        #expect(
            try await user.run("queue", "clean", "--destination", "mallory", "--yes")
                == .failure(2, "no node of this network is called mallory; see `nightjar nodes`"))
        try await network["alpha"].start()
        #expect(try await user.run("queue", "flush") == Transcript(messages: "2 packets handed over\n"))
        await network.stop()
    }

    @Test func aSecondProcessWaitsForTheFirst() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let places = try ClientPlaces(home: user.home, environment: [:])
        func take(_ patience: Interval) async throws -> OutgoingQueue {
            try await OutgoingQueue.open(
                places, network: "testing", limit: 10, now: ScaledClock.systemTime(), patience: patience,
                terminal: Terminal(output: -1, errors: -1))
        }
        let held = try await take(.zero)
        let second = try user.start(["send", "--to", "bob@example.org"], input: Array("Two\n".utf8))
        let notice = "another nightjar process is using the queue; waiting for it for up to 30 s\n"
        try await eventually { second.said == notice }
        // Whoever has no patience left hears that it is for now.
        await #expect(throws: CommandFailure.self) { try await take(.zero) }
        held.close()
        #expect(try await second.end() == Transcript(messages: notice + "sent: 1 packet handed over\n"))
        await network.stop()
    }

    @Test func aProcessThatIsKilledLosesNothing() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        var random = SeededRandom(name: "aProcessThatIsKilled")
        let text = Base64.encode(random.bytes(220_000)).chunks(of: 76).joined(separator: "\r\n") + "\r\n"
        let run = try user.start(
            ["send", "--to", "alice@example.org", "--path", "alpha,*,echo"], input: Array(text.utf8))
        // Some of its packets are with alpha, whose word on them may not have reached the disk.
        network["alpha"].whenTaking { _ in kill(run.pid, SIGKILL) }
        #expect(try await run.end().code == 128 + SIGKILL)
        network["alpha"].whenTaking { _ in }
        let flush = try await user.run("queue", "flush")
        #expect(flush.code == 0, "\(flush)")
        let message = try #require(try network.messages().first)
        let isWhole = message.body.elementsEqual(text.utf8)
        #expect(isWhole && message.parts == 13)
        await network.stop()
    }

    @Test func aNodeWithAWrongClockIsNamed() async throws {
        let network = try TestNetwork()
        try await network["alpha"].start(clock: ScaledClock.systemTime() + .days(10))
        let user = try User()
        try await user.join(network)
        let run = try await user.run("send", "--to", "alice@example.org", "--path", "alpha,*,echo", input: "One\n")
        #expect(run.code == 3)
        #expect(
            run.messages.hasPrefix(
                "1 of 1 packet waits in the queue because the handshake with alpha fails; run: nightjar queue flush\n"))
        #expect(run.messages.contains("the node's certificate is valid from "))
        #expect(run.messages.hasSuffix("; set the clock, here or there\n"))
        await network.stop()
    }

    @Test func aDamagedQueueIsSetAsideAndTheMailStillGoes() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        _ = try await user.run("send", "--no-deliver", "--to", "alice@example.org", input: "One\n")
        let database = "\(user.home)/queue/testing/spool.sqlite"
        let size = try #require(FileManager.default.contents(atPath: database)).count
        for name in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: database + name) }
        let handle = try #require(FileHandle(forWritingAtPath: database))
        try handle.write(contentsOf: Data(repeating: 0xAA, count: size))
        try handle.close()
        let run = try await user.run("send", "--to", "bob@example.org", input: "Two\n")
        #expect(run.code == 0)
        #expect(run.messages.hasPrefix("the queue was damaged: at most "), "\(run)")
        #expect(run.messages.contains("set aside as DIR/home/queue/testing/spool.sqlite.damaged-"))
        #expect(run.messages.hasSuffix("; send mails again that had not left\nsent: 1 packet handed over\n"))
        #expect(try network.messages().map { $0.envelope.recipients[0].description } == ["smtp:bob@example.org"])
        await network.stop()
    }

    private struct Report: Decodable, Equatable {
        var network: String
        var packets, parts, handedOver, waiting, waitingFromEarlier: Int
        var leftOut: [String]
    }

    private struct QueueEntry: Decodable {
        var node: String
        var packets: Int
    }
}

extension String {
    fileprivate func chunks(of size: Int) -> [Substring] {
        var chunks: [Substring] = []
        var rest = self[...]
        while !rest.isEmpty {
            chunks.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return chunks
    }
}
