import Messages
import TestSupport
import Testing
import WireFormat

@Suite struct AddressTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test(arguments: [
        ("alice@example.org", "smtp:alice@example.org"),
        ("smtp:Alice.B+tag@Example.ORG", "smtp:Alice.B+tag@example.org"),
        ("a#$&'*+-/=?^_`{|}~b@localhost", "smtp:a#$&'*+-/=?^_`{|}~b@localhost"),
        ("box:\(id)@night-1", "box:\(id)@night-1"),
        ("box:\(id)@\(id)", "box:\(id)@\(id)"),
        ("mbox:root.x_y-z@N_1", "mbox:root.x_y-z@n_1"),
        ("nym:bob@Nym.example", "nym:bob@nym.example"),
        ("drop:", "drop:"),
    ])
    func understood(text: String, canonical: String) throws {
        let address = try Address(text)
        #expect(address.description == canonical)
        #expect(try Address(canonical: canonical) == address)
    }

    @Test(arguments: [
        ("", AddressError.empty),
        (String(repeating: "a", count: 321), .tooLong),
        ("alice@example.org\r\nRCPT TO:<x>", .controlCharacter),
        ("alice @example.org", .controlCharacter),
        ("alice@example.org\0", .controlCharacter),
        ("al\u{EF}ce@example.org", .notASCII),
        ("alice@b\u{FC}cher.example", .notASCII),
        ("ftp:alice@example.org", .unknownScheme),
        ("SMTP:alice@example.org", .unknownScheme),
        (":alice@example.org", .unknownScheme),
        ("news:alt.anonymous", .reservedScheme),
        ("alice", .missingAt),
        ("smtp:a@b@c", .missingAt),
        ("smtp:@example.org", .badLocalPart),
        (".a@example.org", .badLocalPart),
        ("a..b@example.org", .badLocalPart),
        ("a<b@example.org", .badLocalPart),
        (String(repeating: "a", count: 65) + "@example.org", .badLocalPart),
        ("\"a b\"@example.org", .controlCharacter),
        ("\"a:b\"@example.org", .quotedLocalPart),
        ("smtp:\"a\"@example.org", .quotedLocalPart),
        ("a@", .badHost),
        ("a@b..c", .badHost),
        ("a@b.", .badHost),
        ("a@-b.c", .badHost),
        ("a@b_c.d", .badHost),
        ("a@example.org:25", .badHost),
        ("a@" + String(repeating: "a", count: 64) + ".b", .badHost),
        ("a@[192.0.2.1]", .hostLiteral),
        ("a@192.0.2.1", .hostLiteral),
        ("box:1234@node", .badMailbox),
        ("box:\(id.uppercased())@node", .badMailbox),
        ("box:\(id)@no.de", .badNode),
        ("mbox:x@", .badNode),
        ("mbox:..@node", .badName),
        ("mbox:a/b@node", .badName),
        ("mbox:Root@node", .badName),
        ("nym:.a@nym.example", .badName),
        ("nym:a@nym_example", .badHost),
        ("drop:x", .dropHasMore),
    ])
    func refused(text: String, error: AddressError) {
        #expect(throws: error) { try Address(text) }
    }

    @Test func theBoundHoldsForTheCanonicalForm() {
        let label = String(repeating: "a", count: 62)
        let host = [label, label, label, label].joined(separator: ".")
        let local = String(repeating: "l", count: 64)
        // 64 + 1 + 251 = 316 as typed; "smtp:" makes it 321.
        #expect(throws: AddressError.tooLong) { try Address("\(local)@\(host)") }
        #expect(throws: Never.self) { try Address("\(local.dropLast())@\(host)") }
    }

    @Test func envelopesHoldOneSpellingOnly() {
        #expect(throws: AddressError.notCanonical) { try Address(canonical: "alice@example.org") }
        #expect(throws: AddressError.notCanonical) { try Address(canonical: "smtp:alice@EXAMPLE.org") }
    }

    @Test func partsComeOut() throws {
        #expect(try Address("a@B.c").mailAddress == "a@b.c")
        #expect(try Address("box:\(Self.id)@n").mailbox?.hex == Self.id)
        #expect(try Address("mbox:a@n").mailbox == nil)
    }

    @Test func errorsTellPeopleWhatToDo() {
        for error in AddressError.allCases {
            #expect(!error.description.isEmpty && !error.description.hasSuffix("."))
            #expect(error.description == error.description.lowercased())
        }
    }

    @Test func whateverIsReadIsWrittenTheSame() {
        var rng = SeededRandom(name: "whateverIsReadIsWrittenTheSame")
        let pieces = [
            "smtp:", "box:", "nym:", "mbox:", "drop:", "a", "@", ".", "-", "B", "_", "7", "\"", "[", ":", Self.id,
        ]
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...8, using: &rng)).map { _ in pieces.randomElement(using: &rng) ?? "" }
                .joined()
            guard let address = try? Address(text) else { continue }
            read += 1
            #expect((try? Address(canonical: address.description)) == address)
        }
        #expect(read > 50)
    }
}
