import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

/// Ends of paths: those that the user forbids, and those that cannot do what is asked.
@Suite("Ends of paths")
struct PathBlockingTests {
    private static func id(_ number: UInt8) throws -> NodeID {
        try TestDirectory.signingKey(number).verificationKey.nodeID
    }

    /// Seven nodes, f and g with exit-smtp, g with mailboxes.
    private static func selector() throws -> PathSelector {
        let names = ["a", "b", "c", "d", "e", "f", "g"]
        let nodes = try names.enumerated().map { index, name in
            try TestDirectory.descriptor(UInt8(index + 1), name, "11.\(index + 1).0.1") { fields in
                if ["f", "g"].contains(name) { fields.capabilities.append(Capability(Capability.Name.smtp)) }
                if name == "g" { fields.capabilities.append(Capability(Capability.Name.mailbox)) }
            }
        }
        return PathSelector(network: try TestDirectory.network(nodes), at: TestDirectory.now)
    }

    private func paths(_ text: String, _ demands: PathDemands, count: Int = 200) throws -> [[String]] {
        var generator = SeededRandom(name: "blocking \(text)")
        let selector = try Self.selector()
        let specification = try PathSpecification(text)
        return try (0..<count).map { _ in
            try selector.choose(specification, demands: demands, using: &generator).map(\.fields.nickname.text)
        }
    }

    @Test func aBlockedEntryStandsElsewhereOnly() throws {
        let demands = PathDemands(blockedEntries: [try Self.id(1), try Self.id(2)])
        let all = try paths("*", demands)
        #expect(Set(all.map { $0[0] }) == ["c", "d", "e", "f", "g"])
        #expect(all.contains { $0.dropFirst().contains("a") })
        #expect(throws: PathError.blockedEntry("a")) { try paths("a,*", demands, count: 1) }
        #expect(Set(try paths("{a|c},?", demands).map { $0[0] }) == ["c"])
    }

    @Test func aBlockedExitStandsElsewhereOnly() throws {
        let smtp = [(capability: Capability.Name.smtp, what: "mail")]
        let all = try paths("*", PathDemands(exit: smtp, blockedExits: [try Self.id(6)]))
        #expect(Set(all.map { $0[4] }) == ["g"])
        #expect(all.contains { $0.dropLast().contains("f") })
        let demands = PathDemands(exit: smtp, blockedExits: [try Self.id(6), try Self.id(7)])
        #expect(throws: PathError.blockedExit(nil)) { try paths("*", demands, count: 1) }
        #expect(throws: PathError.blockedExit("f")) { try paths("*,f", demands, count: 1) }
        #expect(throws: PathError.blockedExit("g")) {
            try paths("*", PathDemands(blockedExits: [try Self.id(7)], fixedExit: try Self.id(7)), count: 1)
        }
    }

    @Test func aPathOfOneNodeBeginsAndEndsThere() throws {
        let demands = PathDemands(
            blockedEntries: try Set((1...3).map { try Self.id($0) }),
            blockedExits: try Set((5...7).map { try Self.id($0) }))
        #expect(Set(try paths("?", demands)) == [["d"]])
    }

    @Test func allEntriesBlockedIsNamed() throws {
        let demands = PathDemands(blockedEntries: try Set((1...7).map { try Self.id($0) }))
        #expect(throws: PathError.blockedEntry(nil)) { try paths("*", demands, count: 1) }
        #expect(
            PathError.blockedEntry(nil).description
                == "blocked-entries in your configuration leaves no node for a path to begin at")
    }

    @Test("a fixed end must be able to do what is asked: an address may name any node")
    func fixedExitIsChecked() throws {
        let box = [(capability: Capability.Name.mailbox, what: "mailboxes (box:)")]
        #expect(throws: PathError.cannotExit("f", needs: "mailboxes (box:)")) {
            try paths("*", PathDemands(exit: box, fixedExit: try Self.id(6)), count: 1)
        }
        #expect(
            Set(try paths("*", PathDemands(exit: box, fixedExit: try Self.id(7))).map { $0[4] }) == ["g"])
    }

    @Test("entries are as evenly spread as before where none is blocked")
    func fairEntries() throws {
        var counts: [String: Int] = [:]
        for path in try paths("*3", PathDemands(), count: 7000) { counts[path[0], default: 0] += 1 }
        // 1000 each; the standard deviation is 29.
        #expect(counts.count == 7)
        #expect(counts.values.allSatisfy { (850...1150).contains($0) }, "\(counts)")
    }

    @Test func aColonIsExplained() throws {
        let error = #expect(throws: PathError.self) { try PathSpecification("a,b:c,d") }
        #expect(error?.description.contains("the last node of a reply's path is the one where it changes") == true)
    }
}
