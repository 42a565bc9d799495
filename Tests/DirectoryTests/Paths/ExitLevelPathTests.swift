import Directory
import MixCrypto
import TestSupport
import Testing

@Suite("Paths and what nodes do not do")
struct ExitLevelPathTests {
    private static let mail = PathDemands(exit: [(Capability.Name.smtp, "mail")])

    /// a to f relay; x writes to everybody, y to whom it lists; z is last only, and takes local mail.
    private static func selector(withOpen isOpen: Bool = true) throws -> PathSelector {
        var nodes = try zip(UInt8(1)..., ["a", "b", "c", "d", "e", "f"]).map {
            try TestDirectory.descriptor($0, $1, "11.\($0).0.1")
        }
        if isOpen {
            nodes.append(
                try TestDirectory.descriptor(7, "x", "11.7.0.1") {
                    $0.capabilities.append(Capability(Capability.Name.smtp))
                })
        }
        nodes.append(
            try TestDirectory.descriptor(8, "y", "11.8.0.1") {
                $0.capabilities.append(Capability(Capability.Name.smtp, limits: [Capability.level: 1]))
            })
        nodes.append(
            try TestDirectory.descriptor(9, "z", "11.9.0.1") { $0.capabilities = [Capability(Capability.Name.mbox)] })
        return PathSelector(network: try TestDirectory.network(nodes), at: TestDirectory.now)
    }

    private func paths(_ selector: PathSelector, _ text: String, _ demands: PathDemands) throws -> [[String]] {
        var generator = SeededRandom(name: "levels \(text)")
        let specification = try PathSpecification(text)
        return try (0..<100).map { _ in
            try selector.choose(specification, demands: demands, using: &generator).map(\.fields.nickname.text)
        }
    }

    @Test("mail ends at an exit that writes to everybody, or at the one that is named")
    func levels() throws {
        let selector = try Self.selector()
        #expect(Set(try paths(selector, "*", Self.mail).map { $0[4] }) == ["x"])
        #expect(Set(try paths(selector, "*,y", Self.mail).map { $0[4] }) == ["y"])
        var fixed = Self.mail
        fixed.fixedExit = try TestDirectory.signingKey(8).verificationKey.nodeID
        #expect(Set(try paths(selector, "*", fixed).map { $0[4] }) == ["y"])
        let none = #expect(throws: PathError.self) { try paths(Self.selector(withOpen: false), "*", Self.mail) }
        #expect(none == .noOpenExit("y"))
        #expect(none?.description.contains("such as *,y") == true)
    }

    @Test("a node that sends nothing on is last or nowhere")
    func relays() throws {
        let selector = try Self.selector()
        let anywhere = try paths(selector, "*", PathDemands())
        #expect(anywhere.allSatisfy { !$0.dropLast().contains("z") })
        #expect(anywhere.contains { $0[4] == "z" })
        let local = PathDemands(exit: [(Capability.Name.mbox, "local users")])
        #expect(Set(try paths(selector, "z", local)) == [["z"]])
        let named = #expect(throws: PathError.self) { try paths(selector, "z,*2", PathDemands()) }
        #expect(named == .cannotRelay("z"))
    }
}
