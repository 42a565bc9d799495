// `nightjar reply` with real packets: what the maker of the reply blocks gets, by which paths, and what is refused.

import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ReplyTests {
    /// A network of six nodes that are up, with a user in it.
    private func stage() async throws -> (User, TestNetwork) {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        try await network.start()
        return (user, network)
    }

    @Test("ten hops: one's own path, a crossover, and the block's path")
    func anonymous() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let blocks = try user.file("blocks", maker.text(3))
        let run = try await user.run(
            "reply", "--surb", blocks, "--subject", "Thanks", "--json", input: "It came.\n")
        #expect(run.code == 0, "\(run)")
        #expect(run.messages == "answered: 1 packet handed over; 2 of the reply blocks left\n")
        #expect(run.output.contains("\"blocksLeft\" : 2"))
        let journey = try #require(try network.answers().first)
        #expect(journey.forward.count == 5 && Set(journey.forward).count == 5)
        #expect(journey.back.count == 5 && journey.back.last == "echo")
        #expect(journey.forward.last != journey.back.first, "two nodes see less than one that is both")
        #expect(journey.info.address == "mbox:info@echo")
        let (envelope, body) = try maker.message([journey])
        #expect(envelope.recipients == [.drop])
        #expect(envelope.fields[.subject] == "Thanks")
        #expect(body == Array("It came.\r\n".utf8))
        await network.stop()
    }

    @Test func severalPartsTakeSeveralBlocksByDifferentPaths() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        var generator = SeededRandom(name: "parts of an answer")
        var letter: [UInt8] = []
        for (index, byte) in generator.bytes(30_000).enumerated() {
            letter.append(index % 70 == 69 ? 10 : 33 + byte % 90)
        }
        let file = try user.file("letter", letter)
        let counted = try await user.run("count-packets", "--reply", file)
        #expect(counted == Transcript(output: "4\n"))
        let too = try await user.run("reply", "--surb", try user.file("few", maker.text(3)), file)
        #expect(
            too
                == .failure(
                    4,
                    "the message needs 4 reply blocks, one for each packet, and 3 of 3 can be used; ask for 1 more, or "
                        + "shorten the message"))
        #expect(network.taken.isEmpty)
        // The three were not used up by that.
        let run = try await user.run(
            "reply", "--surb", user.directory.file("few"), "--surb", try user.file("one", maker.text(1)), file)
        #expect(run.code == 0, "\(run)")
        let journeys = try network.answers()
        #expect(journeys.count == 4)
        #expect(Set(journeys.map(\.forward)).count > 1)
        #expect(Set(journeys.map { $0.info.id }).count == 4)
        #expect(try maker.message(journeys).body == MailBody.canonical(letter[...]))
        await network.stop()
    }

    @Test func directGoesStraightToTheBlocksFirstNode() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let block = try maker.make(1)[0]
        let file = try user.file("block", block.encoded)
        let run = try await user.run("reply", "--direct", "--surb", file, input: "Here I am.\n")
        #expect(run.code == 0, "\(run)")
        #expect(run.messages.contains("--direct: the first nodes of the reply blocks see this machine's address"))
        #expect(network.taken.map { $0.node.id } == [block.first])
        let journeys = try network.answers()
        #expect(journeys.map(\.forward) == [[]])
        #expect(try maker.message(journeys).body == Array("Here I am.\r\n".utf8))
        await network.stop()
    }

    @Test func aBlockWorksOnce() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let file = try user.file("block", maker.text(1))
        #expect(try await user.run("reply", "--surb", file, input: "One\n").code == 0)
        #expect(
            try await user.run("reply", "--surb", file, input: "Two\n")
                == .failure(4, "this reply block was used before, and one works only once; ask for a new one"))
        #expect(network.taken.count == 1)
        // Neither does another date before the same header make a new block of it.
        var bytes = try #require(
            Armor.decode(String(contentsOfFile: file, encoding: .utf8), kind: .replyBlock).blocks.first)
        bytes[11] ^= 1
        #expect(try await user.run("reply", "--surb", try user.file("other", bytes), input: "Two\n").code == 4)
        await network.stop()
    }

    @Test func oldBlocksAreRefusedWithTheirDate() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let past = Timestamp(seconds: Timestamp.now.seconds - 86_400)
        let file = try user.file("old", maker.text(2, expiry: past))
        #expect(
            try await user.run("reply", "--surb", file, input: "Late\n")
                == .failure(4, "all 2 reply blocks have expired, the last on \(past); ask for new ones"))
        // One that would expire on the way is as good as expired.
        let soon = Timestamp(seconds: Timestamp.now.seconds + 3600)
        #expect(
            try await user.run("reply", "--surb", try user.file("soon", maker.text(1, expiry: soon)), input: "Late\n")
                == .failure(4, "the reply block expired on \(soon); ask for a new one"))
        // Good ones among them are used.
        let both = try user.file("both", maker.text(1, expiry: past) + maker.text(1))
        #expect(try await user.run("reply", "--surb", both, input: "In time\n").code == 0)
        await network.stop()
    }

    @Test func blocksAndMessageCanComeInOneText() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let quoted = try maker.text(2).split(separator: "\n").map { "> \($0)\r\n" }.joined()
        let mail =
            "From: me@example.org\nSubject: Re: Hello\nTo: you@example.org\n\nYou wrote:\n> Hello\n\(quoted)\nMy answer.\n"
        let run = try await user.run("reply", "-", input: mail)
        #expect(run.code == 0, "\(run)")
        #expect(
            run.messages == """
                left out of the mail's header, as it would tell who you are: From, To
                answered: 1 packet handed over; 1 of the reply blocks left

                """)
        let (envelope, body) = try maker.message(try network.answers())
        #expect(envelope.fields[.subject] == "Re: Hello")
        #expect(String(decoding: body, as: UTF8.self) == "You wrote:\r\n> Hello\r\n\r\nMy answer.\r\n")
        #expect(
            try await user.run("reply", "-", input: "Nothing here.\n")
                == .failure(2, "there is no reply block in the input; name the file that has it with --surb"))
        await network.stop()
    }

    @Test func aNodeThatIsDownKeepsTheAnswerWaiting() async throws {
        let (user, network) = (try User(), try TestNetwork())
        try await user.join(network)
        let maker = try BlockMaker(network)
        let file = try user.file("block", maker.text(1))
        let run = try await user.run("reply", "--surb", file, "--timeout", "5s", input: "Wait\n")
        #expect(run.code == 3)
        #expect(run.messages.hasPrefix("1 of 1 packet waits in the queue because "))
        try await network.start()
        #expect(try await user.run("queue", "flush").code == 0)
        #expect(try maker.message(try network.answers()).body == Array("Wait\r\n".utf8))
        await network.stop()
    }

    @Test func wrongInputsSayWhatToDo() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        let block = try maker.text(1)
        let damaged = try user.file("damaged", block.replacing("+", with: "!"))
        #expect(
            try await user.run("reply", "--surb", damaged, input: "x\n")
                == .failure(1, "1 reply block in the input cannot be read; copy the text whole, from BEGIN to END"))
        #expect(
            try await user.run("reply", "--surb", "-", input: block)
                == .failure(
                    2,
                    "--surb - takes standard input for the reply blocks; name a file with the message, or leave --surb "
                        + "out if standard input has both"))
        let other = try BlockMaker(try TestNetwork())
        #expect(
            try await user.run("reply", "--surb", try user.file("other", other.text(1)), input: "x\n")
                == .failure(
                    1,
                    "the reply blocks begin at nodes that are not in the network testing; choose another with --network, "
                        + "or get a newer network file"))
        #expect(
            try await user.run("reply", "--surb", try user.file("good", block), "--path", "a:b", input: "x\n").code == 2
        )
        #expect(
            try await user.run("reply", "--surb", user.directory.file("good"), "--status-fd", "9999", input: "x\n")
                == .failure(
                    2, "--status-fd 9999 is not an open descriptor; write for example: --status-fd 3 3> FILE"))
        #expect(network.taken.isEmpty)
        await network.stop()
    }

    @Test func programsReadLinesAndGiveBlocksByDescriptors() async throws {
        let (user, network) = try await stage()
        let maker = try BlockMaker(network)
        _ = try user.file("blocks", maker.text(2))
        _ = try user.file("letter", "Hello\n")
        let run = try await user.shell(
            "nightjar reply --surb-fd 4 --status-fd 3 --quiet letter 4< blocks 3> lines && cat lines")
        #expect(run == Transcript(output: "[NIGHTJAR:] REPLY_BLOCKS 2 2 1\n[NIGHTJAR:] PACKETS 1 1 0\n"))
        let count = try await user.shell(
            "nightjar count-packets --to a@example.org --status-fd 3 letter 3> lines; cat lines")
        #expect(count.output == "1\n[NIGHTJAR:] COUNT_PACKETS 1\n")
        let out = try await user.shell(
            "nightjar send --to a@example.org --no-deliver --no-receipt --quiet letter && "
                + "nightjar queue out packets --status-fd 3 --quiet 3> lines && "
                + "nightjar queue in packets --status-fd 3 --quiet 3>> lines; cat lines")
        #expect(out.output == "[NIGHTJAR:] QUEUE_OUT 1 packets\n[NIGHTJAR:] QUEUE_IN 1 packets\n", "\(out)")
        await network.stop()
    }
}
