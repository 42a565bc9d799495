// Every bad input, with what the program says to it: a message that tells what to do, the right exit code, and nothing lost.

import Daemon
import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct BadInputTests {
    @Test func withoutANetworkNothingCanBeSent() async throws {
        let user = try User()
        let advice = "no network is installed; run `nightjar network add FILE` with the network file of your network"
        for command in [
            ["send", "--to", "a@example.org"], ["nodes"], ["path"], ["queue", "list"], ["network", "list"],
        ] {
            #expect(try await user.run(command) == .failure(2, advice), "\(command)")
        }
        #expect(!FileManager.default.fileExists(atPath: user.home), "a command that fails leaves nothing behind")
    }

    @Test func anUnknownNetworkIsNamed() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("nodes", "--network", "tseting")
                == .failure(2, "no network called tseting is installed; see `nightjar network list`"))
        #expect(
            try await user.run("network", "show", "../testing")
                == .failure(2, "no network called ../testing is installed; see `nightjar network list`"))
    }

    @Test func severalNetworksNeedAChoice() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        try await user.join(try TestNetwork { $0.name = "other" })
        #expect(
            try await user.run("path")
                == .failure(
                    2,
                    "several networks are installed (other, testing); choose one with --network NAME, "
                        + "or for good with `network = \"NAME\"` in client.toml"))
        #expect(try await user.run("path", "--network", "other").code == 0)
        try user.configure("network = \"testing\"\n")
        #expect(try await user.run("path").code == 0)
    }

    // MARK: Addresses

    @Test(arguments: [
        ("", "the address is empty; write for example user@example.org"),
        ("Alice", "Alice: the address needs one @; write for example user@example.org"),
        (
            "alice@",
            "alice@: the part after @ is not a host name; use labels of letters, digits and hyphens with dots between"
        ),
        (
            "a..b@example.org",
            "a..b@example.org: the part before @ is not valid; use at most 64 letters, digits and #$&'*+-/=?^_`{|}~ "
                + "with single dots between"
        ),
        ("\"a b\"@example.org", "\"a b\"@example.org: the address has a control character or space; remove it"),
        (
            "\"ab\"@example.org",
            "\"ab\"@example.org: quoted names before @ are not supported; use an address without quotes"
        ),
        ("a@[127.0.0.1]", "a@[127.0.0.1]: an ip address after @ is not supported; use a host name"),
        ("a\u{1B}[2J@example.org", "a\\x1b[2J@example.org: the address has a control character or space; remove it"),
        ("ä@example.org", "ä@example.org: the address has characters outside ascii; write its domain in the xn-- form"),
        (
            "news:alt.privacy",
            "news:alt.privacy: news: is reserved and not delivered yet; use an smtp: address of a mail-to-news gateway"
        ),
        ("fax:123@here", "fax:123@here: the address has an unknown kind; use smtp:, box:, mbox:, nym: or drop:"),
        (
            "box:12@alpha",
            "box:12@alpha: a mailbox is named by its id; write box: and 64 lower-case hexadecimal digits, then @ and the node"
        ),
        (
            "mbox:A@alpha",
            "mbox:A@alpha: the name before @ is not valid; use at most 64 lower-case letters, digits, dots, hyphens, underscores"
        ),
        ("mbox:a@al pha", "mbox:a@al pha: the address has a control character or space; remove it"),
        (
            "mbox:a@al.pha",
            "mbox:a@al.pha: the part after @ is not a node's name or id; use letters, digits, hyphens and underscores"
        ),
        ("drop:x", "drop:x: nothing may follow drop:; remove the rest"),
    ])
    func aBadAddressIsExplained(_ address: String, _ message: String) async throws {
        #expect(try await User().run("send", "--to", address, input: "Hello\n") == .failure(2, message))
    }

    @Test func aVeryLongAddressIsCutInTheMessage() async throws {
        let run = try await User().run(
            "send", "--to", String(repeating: "a", count: 400) + "@example.org", input: "Hello\n")
        #expect(
            run
                == .failure(
                    2,
                    String(repeating: "a", count: 200) + "...: the address is longer than 320 bytes; use a shorter one")
        )
    }

    @Test func recipientsAreCounted() async throws {
        let user = try User()
        #expect(
            try await user.run("send", input: "Hello\n")
                == .failure(
                    2, "no recipient; name a recipient with --to (recipients in the mail's own header are not used)"))
        #expect(
            try await user.run("send", "--to", "a@example.org", "--to", "smtp:a@EXAMPLE.org", input: "Hello\n")
                == .failure(2, "a recipient is named twice; name each once"))
        try await user.join(try TestNetwork())
        let nine = (1...9).flatMap { ["--to", "user\($0)@example.org"] }
        #expect(
            try await user.run(["send"] + nine, input: Array("Hello\n".utf8))
                == .failure(2, "more than 8 recipients; send the message in several goes"))
    }

    @Test func nymsOfADomainThatNobodyServes() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("send", "--to", "nym:alice@nym.example", input: "Hello\n")
                == .failure(
                    1,
                    "no node of this network hands mail over for nyms of nym.example; check the spelling, run "
                        + "`nightjar network update`, or see `nightjar nodes`"))
    }

    @Test(arguments: ["drop:"])
    func kindsOfAddressesThatCannotBeSentTo(_ address: String) async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("send", "--to", address, input: "Hello\n")
                == .failure(
                    1,
                    "this version cannot send to \(address); use an address of the kind smtp:user@host, mbox:name@node, "
                        + "box:id@node or nym:name@domain"))
    }

    @Test func mailboxesNeedANodeThatHasSome() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        let box = String(repeating: "ab", count: 32)
        #expect(
            try await user.run("send", "--to", "box:\(box)@alpha", input: "Hello\n")
                == .failure(
                    1,
                    "node alpha has no mailboxes (box:); see `nightjar nodes` for nodes with the capability mailbox"))
        #expect(
            try await user.run("send", "--to", "box:\(box)@nowhere", input: "Hello\n")
                == .failure(2, "no node of this network is called nowhere; see `nightjar nodes`"))
    }

    @Test func localUsersNeedANodeThatHasSome() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("send", "--to", "mbox:info@alpha", input: "Hello\n")
                == .failure(1, "node alpha has no local users (mbox:); see `nightjar nodes` for nodes with exit-mbox"))
        #expect(
            try await user.run("send", "--to", "mbox:info@mallory", input: "Hello\n")
                == .failure(2, "no node of this network is called mallory; see `nightjar nodes`"))
        #expect(
            try await user.run("send", "--to", "mbox:info@echo", "--path", "*2,foxtrot", input: "Hello\n")
                == .failure(1, "the path ends at foxtrot, which does not deliver to local users of echo (mbox:)"))
    }

    // MARK: Paths

    @Test(arguments: [
        ("mallory,*2", 2, "no node of this network is called mallory; see `nightjar nodes`"),
        ("*3,alpha,*3", 2, "the path has 7 hops, but a packet has room for 5"),
        ("alpha,alpha,echo", 4, "the path would pass alpha twice; every hop must be another node"),
        ("*,alpha", 1, "the path ends at alpha, which does not deliver to mail addresses (smtp:)"),
        ("*9", 2, "the path is not well-formed: `*9`: a number from 1 to 5 must follow"),
        ("alpha,,echo", 2, "the path is not well-formed: an element is empty; write for example `*2,alpha`"),
        ("{alpha|bravo", 2, "the path is not well-formed: `{alpha|bravo`: the closing brace is missing"),
        ("*,bravo,*", 2, "the path is not well-formed: `*` can stand once in a path"),
    ])
    func aPathThatCannotBeNamesItsConstraint(_ path: String, _ code: Int32, _ message: String) async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(try await user.run("path", path, "--to", "alice@example.org") == .failure(code, message))
        #expect(
            try await user.run("send", "--path", path, "--to", "alice@example.org", input: "Hello\n")
                == .failure(code, message))
        #expect(!FileManager.default.fileExists(atPath: "\(user.home)/queue"))
    }

    @Test func aNetworkTooSmallOrWithoutExitsSaysSo() async throws {
        let small = try User()
        try await small.join(
            try TestNetwork {
                $0.names = ["alpha", "echo"]
                $0.exits = ["echo"]
            })
        #expect(
            try await small.run("path")
                == .failure(1, "the path needs 5 different nodes, but only 2 of the network are usable"))
        #expect(try await small.run("path", "*1,echo") == Transcript(output: "alpha,echo\n"))
        let relays = try User()
        try await relays.join(try TestNetwork { $0.exits = [] })
        #expect(
            try await relays.run("send", "--to", "alice@example.org", input: "Hello\n")
                == .failure(1, "no node of this network can deliver to mail addresses (smtp:); see `nightjar nodes`"))
    }

    @Test func blockedNodesAreNotUsed() async throws {
        let user = try User()
        try await user.join(
            try TestNetwork {
                $0.names = ["alpha", "bravo", "echo"]
                $0.exits = ["echo"]
            })
        try user.configure("blocked-nodes = [\"alpha\", \"mallory\"]\npath = \"*2\"\n")
        let note = "blocked-nodes in client.toml names mallory, which is not in the network testing\n"
        #expect(
            try await user.run("path", "--to", "alice@example.org")
                == Transcript(output: "bravo,echo\n", messages: note))
        #expect(
            try await user.run("path", "alpha,echo")
                == Transcript(messages: note + "the path names alpha, which your configuration blocks\n", code: 4))
    }

    // MARK: The mail

    @Test func anEmptyMessageIsNotSent() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        for input in ["", " \r\n\n"] {
            #expect(
                try await user.run("send", "--to", "alice@example.org", input: input)
                    == .failure(2, "the message is empty; give a mail on standard input or name a file"))
        }
    }

    @Test func aMessageThatIsTooLargeNamesTheLimit() async throws {
        let user = try User()
        try await user.join(try TestNetwork { $0.parameters.messageSize = 100_000 })
        let line = Array("0123456789\r\n".utf8)
        let message = "the message is too large: its body may have 100000 bytes"
        for count in [9000, 60_000] {
            let mail = Array(repeating: line, count: count).flatMap(\.self)
            let run = try await user.run(["send", "--to", "alice@example.org"], input: mail)
            #expect(run.code == 4 && run.messages.hasPrefix(message), "\(run)")
        }
        #expect(try await user.run("queue", "list") == Transcript(output: "no packets wait\n"))
    }

    @Test func headersThatWouldBeMisreadAreRefused() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        func send(_ options: [String], _ input: String = "Hello\n") async throws -> Transcript {
            try await user.run(["send", "--to", "alice@example.org"] + options, input: Array(input.utf8))
        }
        for (options, beginning) in [
            (["--subject", "Hi\nBcc: eve@example.org"], "Subject "),
            (["--from-name", "Bob <bob@example.org>"], "display name "),
            (["--in-reply-to", "what you said"], "In-Reply-To "),
        ] {
            let run = try await send(options)
            #expect(run.code == 4 && run.messages.hasPrefix(beginning), "\(run)")
        }
        let twice = try await send([], "Subject: a\nSubject: b\n\nHello\n")
        #expect(twice == .failure(4, "the mail has Subject twice; remove one"))
        let broken = try await send([], "Subject: a\nFrom: me@example.org\nHello, no empty line here\n\nHello\n")
        #expect(
            broken
                == .failure(
                    4,
                    "line 3 of the mail is not a header field; put an empty line between the header and the text, "
                        + "or before both if all of it is text"))
        let zero = try await send([], "Hello\u{0}\n")
        #expect(zero.code == 4 && zero.messages.hasPrefix("line 1 of the body has a zero byte"), "\(zero)")
    }

    @Test func aFileThatCannotBeReadIsNamed() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        let path = user.directory.file("letter.txt")
        #expect(
            try await user.run("send", "--to", "alice@example.org", path)
                == .failure(1, "cannot read DIR/letter.txt: no such file or directory"))
        #expect(
            try await user.run("send", "--to", "alice@example.org", user.directory.path)
                == .failure(1, "cannot read DIR: is a directory"))
        guard geteuid() != 0 else { return }
        _ = try user.file("letter.txt", Array("Hello\n".utf8), mode: 0)
        #expect(
            try await user.run("send", "--to", "alice@example.org", path)
                == .failure(1, "cannot read DIR/letter.txt: permission denied"))
    }

    @Test func optionsOutOfRangeAreUsage() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        #expect(
            try await user.run("send", "--to", "alice@example.org", "--copies", "9", input: "Hello\n")
                == .failure(2, "9 copies are not possible; --copies takes 1 to 8"))
        for command in [
            ["send", "--copies", "x"], ["send", "--timeout", "soon"], ["sned"], ["send", "--tto", "a@b.c"],
            ["network", "add"],
        ] {
            let run = try await user.run(command)
            #expect(run.code == 2 && run.output == "" && run.messages.contains("Usage: nightjar"), "\(command) \(run)")
        }
    }
}
