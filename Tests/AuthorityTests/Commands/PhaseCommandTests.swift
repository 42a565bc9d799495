import Daemon
import Directory
import Foundation
import Testing
import WireFormat

@testable import AuthorityProgram

/// Slots done by hand.
@Suite("Phase commands", .timeLimit(.minutes(10)))
struct PhaseCommandTests {
    @Test("three directories and files: whole slots by hand, exported, audited, and a lie found out")
    func wholeSlots() async throws {
        let paper = try await PaperNetwork()
        let table = paper.table
        for (number, name) in ["lark", "wren", "owl"].enumerated() { _ = try paper.node(name, number) }
        for name in PaperNetwork.names {
            let answer = try await table.must(
                "import --config \(name).toml lark.descriptor wren.descriptor owl.descriptor")
            #expect(answer.messages.contains("the descriptor of node lark\n"))
        }
        // The databases are new: nothing is done in the slots in which they were made.
        let first = paper.current + 1
        let documents = try await paper.doSlot(first)
        #expect(Set(documents).count == 1, "all assembled the same bytes")
        let consensus = try UnverifiedConsensus(documents[0])
        #expect(consensus.slot == Slot(first) && consensus.claimed.nodes.count == 3)
        #expect(consensus.claimed.nodes.allSatisfy { $0.flags.contains(.running) })
        #expect(table.bytes("alice.unsigned") == consensus.claimed.bytes)

        // Everything again gives the same bytes, even with other nodes meanwhile.
        let before = ["vote", "signature"].map { table.bytes("alice.\($0)") } + [table.bytes("slot.proposal")]
        _ = try paper.node("crow", 3)
        try await table.must("import --config alice.toml crow.descriptor")
        let again = try await table.must("vote --config alice.toml --slot \(first) --output alice.vote")
        #expect(again.messages.contains("as it was made before"))
        try await table.must("sign --config alice.toml --slot \(first) --output alice.signature")
        try await table.must("propose --config \(paper.leader(first)).toml --slot \(first) --output slot.proposal")
        #expect(
            before == ["vote", "signature"].map { table.bytes("alice.\($0)") } + [table.bytes("slot.proposal")])
        // Of slots from before the database it is not known what was done in them.
        let past = try await table.run("vote --config alice.toml --slot \(first - 600)")
        #expect(
            past.code == 4 && past.messages.contains("this authority must not vote in slot \(first - 600)"), "\(past)")
        let future = try await table.run("vote --config alice.toml --slot \(first + 5000)")
        #expect(future.code == 2 && future.messages.contains("slot \(first + 5000) lies ahead"))

        // The next slot stands on the first one.
        while paper.current < first { try await Task.sleep(for: .milliseconds(50)) }
        let next = try await paper.doSlot(first + 1)
        #expect(Set(next).count == 1)
        #expect(try UnverifiedConsensus(next[0]).claimed.previous == consensus.link)

        try await audits(paper, first: first)
        try await lies(paper, slot: first + 2)
    }

    /// What was done can be computed again by anybody.
    private func audits(_ paper: PaperNetwork, first: UInt64) async throws {
        let table = paper.table
        let own = try await table.must("audit --config bob.toml")
        #expect(
            own.output
                == "slots \(first) to \(first + 1): 2 of 2 consensuses are what their votes say, byte for byte\n")
        let exported = try await table.must("export mirror --config carol.toml")
        #expect(exported.messages.contains("files written to mirror"))
        let audit = "audit --directory mirror --network network"
        #expect(try await table.must(audit).output == own.output)
        let json = try await table.must("\(audit) --json --last 1")
        #expect(json.output.contains("\"verdict\" : \"identical\""))
        // A vote is gone.
        let consensus = try UnverifiedConsensus(table.bytes("mirror/consensus"))
        let vote = "mirror/documents/\(consensus.claimed.votes[0].digest.hex)"
        try await table.shell("mv \(vote) aside")
        let gone = try await table.run(audit)
        #expect(gone.code == 3 && gone.messages.contains("could not be had: the server does not have it"))
        #expect(gone.output.contains("1 of 2 consensuses"))
        // A vote that says something else is no vote with that digest.
        try table.file(vote, table.text("aside").replacing("lark", with: "larc"))
        let changed = try await table.run(audit)
        #expect(changed.code == 3 && changed.messages.contains("is another document"))
        try await table.shell("mv aside \(vote)")
        // A consensus that says something else.
        let served = table.text("mirror/consensus")
        try table.file("mirror/consensus", served.replacing(" lark ", with: " larc "))
        let forged = try await table.run(audit)
        #expect(forged.code == 1, "\(forged)")
        try table.file("mirror/consensus", "hello\n")
        #expect(try await table.run(audit).code == 1)
        try await table.shell("rm mirror/consensus")
        let empty = try await table.run(audit)
        #expect(empty.code == 3 && empty.messages.contains("no consensus could be had from mirror"))
        let nowhere = try await table.run("audit --directory nowhere --network network")
        #expect(nowhere.code == 2 && nowhere.messages == "there is no directory nowhere\n")
        let both = try await table.run("audit --directory mirror --url http://localhost --network network")
        #expect(both.code == 2)
    }

    /// Bob runs twice, and votes differently.
    private func lies(_ paper: PaperNetwork, slot: UInt64) async throws {
        let table = paper.table
        while paper.current < slot { try await Task.sleep(for: .milliseconds(50)) }
        try await table.shell("cp -a bob twin")
        let id = try UnverifiedConsensus(table.bytes("alice.consensus")).claimed.nodes[0].id
        try table.file(
            "twin.toml",
            table.text("bob.toml").replacing("/bob\"", with: "/twin\"").replacing(
                "#bad = []", with: "bad = [\"\(id.hex)\"]"))
        for (config, vote) in [("alice", "alice"), ("bob", "bob"), ("carol", "carol"), ("twin", "twin")] {
            try await table.must("vote --config \(config).toml --slot \(slot) --output \(vote).vote")
        }
        for name in ["alice", "carol"] {
            try await table.must("import --config \(name).toml alice.vote bob.vote carol.vote")
            let none = try await table.must("evidence list --config \(name).toml")
            #expect(none.output.isEmpty && none.messages == "there is no evidence against anybody\n")
            let answer = try await table.must("import --config \(name).toml twin.vote")
            #expect(
                answer.messages.contains("warning: bob made two different votes for slot \(slot): the evidence is kept")
            )
            let list = try await table.must("evidence list --config \(name).toml")
            #expect(list.output.contains("bob signed two different documents (vote) for slot \(slot)"))
            let digest = try #require(list.output.split(separator: " ").first)
            let evidence = try await table.must("evidence show \(digest) --config \(name).toml")
            #expect(evidence.output.hasPrefix("nightjar-evidence 1\n"))
        }
        // The rest goes on without Bob's vote.
        let leader = paper.leader(slot) == "bob" ? nil : paper.leader(slot)
        if let leader {
            let proposed = try await table.must("propose --config \(leader).toml --slot \(slot)")
            #expect(proposed.messages.contains("without the votes of bob"))
            #expect(!proposed.output.contains("vote bob"))
        }
        let unknown = try await table.run("evidence show \(String(repeating: "0", count: 64)) --config alice.toml")
        #expect(unknown.code == 1 && unknown.messages.contains("there is no evidence"))
        let bad = try await table.run("evidence show abc --config alice.toml")
        #expect(bad.code == 2)
    }

    @Test("phases out of order and bad files are refused in words")
    func refused() async throws {
        let paper = try await PaperNetwork(slotLength: .seconds(600))
        let table = paper.table
        try table.file("hello", "hello\n")
        try table.file("broken", "nightjar-vote 1\nhello\n")
        let words = [
            ("hello", "hello: it is no document of a directory"),
            ("broken", "broken: it is not taken: line 2 has an item"),
            ("network", "network: it is a network file: put it at"),
            ("alice.certificate", "alice.certificate: it is a certificate: use"),
            ("nothing", "cannot read nothing: no such file or directory"),
        ]
        let began = paper.current
        for (file, text) in words {
            let answer = try await table.run("import \(file) --config alice.toml")
            #expect(answer.code != 0 && answer.messages.contains(text), "\(answer)")
        }
        #expect(try await table.run("import --config alice.toml").code == 2)
        for name in ["bob", "carol"] { _ = try await table.run("import hello --config \(name).toml") }
        let slot = paper.current + 1
        let leader = paper.leader(slot)
        let other = try #require(PaperNetwork.names.first { $0 != leader })
        // In the slot in which its database was made an authority does nothing.
        let early = try await table.run("vote --config alice.toml")
        if began + 1 == slot, paper.current == began {
            #expect(early.code == 4 && early.messages.contains("the next slot, \(slot), begins at"), "\(early)")
        }
        let notLeader = try await table.run("propose --config \(other).toml --slot \(slot)")
        #expect(notLeader.code == 4)
        #expect(notLeader.messages == "\(leader) leads slot \(slot); import its proposal\n")
        let few = try await table.run("propose --config \(leader).toml --slot \(slot)")
        #expect(few.code == 3 && few.messages.contains("there are 0 votes for slot \(slot), and 2 are needed"))
        for command in ["tally", "sign", "assemble"] {
            let answer = try await table.run("\(command) --config \(other).toml --slot \(slot)")
            #expect(answer.code == 3)
            #expect(answer.messages == "there is no proposal for slot \(slot) yet; import that of \(leader)\n")
        }
        for name in PaperNetwork.names {
            try await table.must("vote --config \(name).toml --slot \(slot) --output \(name).vote")
        }
        try await table.must("import alice.vote bob.vote carol.vote --config \(leader).toml")
        try await table.must("propose --config \(leader).toml --slot \(slot) --output slot.proposal")
        try await table.must("import slot.proposal --config \(other).toml")
        let missing = try await table.run("tally --config \(other).toml --slot \(slot)")
        #expect(missing.code == 3 && missing.messages.contains("votes are missing: import those of"))
        try await table.must("sign --config \(leader).toml --slot \(slot) --output leader.signature")
        let alone = try await table.run("assemble --config \(leader).toml --slot \(slot)")
        #expect(alone.code == 3)
        #expect(alone.messages.contains("1 have signed this consensus, and 2 are needed; import the signatures of"))
        // Changed on its way.
        let third = try #require(PaperNetwork.names.first { $0 != leader && $0 != other })
        try table.file("forged.vote", table.text("\(third).vote").replacing("published 2", with: "published 3"))
        let forged = try await table.run("import forged.vote --config \(other).toml")
        #expect(forged.code == 4 && forged.messages.contains("forged.vote: it is not taken: "), "\(forged)")
        // Somebody else works in the directory.
        do {
            let lock = try LockFile(table.path("alice/lock"))
            defer { withExtendedLifetime(lock) {} }
            let running = try await table.run("vote --config alice.toml --slot \(slot)")
            #expect(running.code == 3)
            #expect(running.messages.hasPrefix("the authority runs, and does this itself: process "))
        }
        let skipped = try await table.must("skip --config alice.toml --slots 3")
        #expect(skipped.messages.contains("nothing is done up to slot "))
        let quiet = try await table.run("sign --config alice.toml --slot \(slot + 1)")
        #expect(quiet.code != 0)
        #expect(try await table.run("skip --config alice.toml --slots 0").code == 2)
    }
}
