import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

@Suite("Address book")
struct AddressBookTests {
    private static let now = DirectoryFixture.now

    @Test("a node that was taken out is known until no valid consensus names it")
    func removed() throws {
        let fixture = try DirectoryFixture()
        let (ada, ben) = (try DirectoryFixture.node("ada"), try DirectoryFixture.node("ben", "127.0.0.2:7"))
        var book = AddressBook()
        let first = try fixture.authority.network([ada, ben], at: Self.now)
        #expect(Set(book.note(first, at: Self.now)) == [ada.id, ben.id])
        #expect(book.note(first, at: Self.now).isEmpty)
        let later = Self.now + .hours(1)
        #expect(book.note(try fixture.authority.network([ada], at: later), at: later).isEmpty)
        #expect(book.addresses(of: ben.id).map(\.description) == ["127.0.0.2:7"])
        #expect(book.until(of: ben.id) == first.validUntil)
        let end = first.validUntil
        _ = book.note(try fixture.authority.network([ada], at: end - .seconds(1)), at: end - .seconds(1))
        #expect(!book.addresses(of: ben.id).isEmpty)
        _ = book.note(try fixture.authority.network([ada], at: end), at: end)
        #expect(book.addresses(of: ben.id).isEmpty && book.until(of: ben.id) == nil)
        #expect(!book.addresses(of: ada.id).isEmpty)
    }

    @Test("the nodes of an expired consensus stay while there is no other")
    func expired() throws {
        let fixture = try DirectoryFixture()
        let ada = try DirectoryFixture.node("ada")
        let network = try fixture.authority.network([ada], at: Self.now)
        var book = AddressBook()
        let muchLater = Self.now + .days(30)
        _ = book.note(network, at: muchLater)
        #expect(!book.addresses(of: ada.id).isEmpty)
    }

    @Test("one that moves is told; one whose new descriptor is missing is where it was, for longer")
    func moved() throws {
        let fixture = try DirectoryFixture()
        let old = try DirectoryFixture.node("ada")
        let new = try DirectoryFixture.node("ada", "127.0.0.9:4000")
        var book = AddressBook()
        let first = try fixture.authority.network([old], at: Self.now)
        _ = book.note(first, at: Self.now)
        let later = Self.now + .hours(2)
        let consensus = try fixture.authority.certify([new], at: later)
        _ = book.note(Network(root: fixture.root, consensus: consensus, descriptors: []), at: later)
        #expect(book.addresses(of: old.id).map(\.description) == ["127.0.0.1:4000"])
        #expect(book.until(of: old.id) == consensus.consensus.validUntil)
        let complete = Network(root: fixture.root, consensus: consensus, descriptors: [new])
        #expect(book.note(complete, at: later) == [new.id])
        #expect(book.addresses(of: old.id).map(\.description) == ["127.0.0.9:4000"])
    }

    @Test("what is written is read again; damage costs the damaged lines alone")
    func text() throws {
        let fixture = try DirectoryFixture()
        var book = AddressBook()
        let nodes = try (0..<20).map { try DirectoryFixture.node("node\($0)", "[2a00:1450::\($0 + 1)]:48099") }
        _ = book.note(try fixture.authority.network(nodes, at: Self.now), at: Self.now)
        #expect(AddressBook(book.text) == book)
        #expect(AddressBook("").entries.isEmpty)
        #expect(AddressBook("something else\n" + book.text).entries.isEmpty)
        var generator = SeededRandom(name: "address book")
        for _ in 0..<200 {
            var bytes = Array(book.text.utf8)
            let place = Int.random(in: 26..<bytes.count, using: &generator)
            bytes[place] = UInt8.random(in: 0...255, using: &generator)
            let read = AddressBook(String(decoding: bytes, as: UTF8.self))
            #expect(book.entries.count { read.entries[$0.key] == $0.value } >= 18)
        }
    }
}
