import Directory
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

/// Reply blocks as people hand them over, and which of them can be used.
@Suite struct ReplyBlockTextTests {
    @Test func armorAmongTextIsTakenOut() throws {
        let maker = try BlockMaker(try TestNetwork())
        let blocks = try maker.make(2)
        let armor = blocks.map { Armor.encode($0.encoded, kind: .replyBlock) }
        let text = "Hello\r\n\(armor[0])middle\n> > \(armor[1].split(separator: "\n").joined(separator: "\n> > "))\nend"
        let found = ReplyBlockText(Array(text.utf8))
        #expect(found.blocks.map(\.encoded) == blocks.map(\.encoded))
        #expect(found.damaged == 0)
        #expect(String(decoding: found.rest, as: UTF8.self) == "Hello\r\nmiddle\nend")
        #expect(ReplyBlockText.blocks(in: Array(text.utf8)) == blocks.map(\.encoded))
    }

    @Test func bytesAreReadOneBehindTheOther() throws {
        let blocks = try BlockMaker(try TestNetwork()).make(3)
        let found = ReplyBlockText(blocks.flatMap(\.encoded))
        #expect(found.blocks.count == 3 && found.damaged == 0 && found.rest.isEmpty)
        let cut = ReplyBlockText(Array(blocks.flatMap(\.encoded).dropLast()))
        #expect(cut.blocks.count == 2 && cut.damaged == 1)
    }

    @Test func whatIsNotClosedStaysInTheText() throws {
        let text = Array("a\n-----BEGIN NIGHTJAR REPLY BLOCK-----\nAAAA\nrest\n".utf8)
        let found = ReplyBlockText(text)
        #expect(found.blocks.isEmpty && found.damaged == 1)
        #expect(found.rest == text)
        #expect(ReplyBlockText(Array("no armor".utf8)).rest == Array("no armor".utf8))
        #expect(ReplyBlockText([]).rest.isEmpty)
    }

    @Test("anything at all can be looked through")
    func noise() throws {
        var generator = SeededRandom(name: "noise in place of reply blocks")
        let marks = [
            "-----BEGIN NIGHTJAR REPLY BLOCK-----", "-----END NIGHTJAR REPLY BLOCK-----", "\n", "> ", "AAAA", "\u{1}",
        ]
        for _ in 0..<300 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                text += Array((marks.randomElement(using: &generator) ?? "").utf8)
                text += generator.bytes(Int.random(in: 0..<5, using: &generator))
            }
            let found = ReplyBlockText(text)
            #expect(found.blocks.isEmpty)
            #expect(found.rest.count <= text.count)
        }
    }

    @Test func sortingNamesEveryReason() throws {
        let network = try TestNetwork()
        let maker = try BlockMaker(network)
        let now = Timestamp.now
        let good = try maker.make(3)
        let old = try maker.make(1, expiry: Timestamp(seconds: now.seconds - 5))
        let foreign = try BlockMaker(try TestNetwork()).make(1)
        let used = UsedReplyBlocks.name(of: good[1])
        let sorting = ReplyBlockSorting(
            good + old + foreign + [good[0]], damaged: 2, network: network.file, now: now
        ) { UsedReplyBlocks.name(of: $0) == used }
        #expect(sorting.usable.map(\.header) == [good[0].header, good[2].header])
        #expect(sorting.tally.given == 8)
        #expect(
            sorting.tally.reasons
                == "1 expired, the last on \(old[0].expiry); 1 used before; 1 given twice; 2 damaged; 1 of another network"
        )
        #expect(try sorting.take(2, network: network.file).count == 2)
        #expect(throws: ReplyError.tooFew(needed: 3, sorting.tally)) { try sorting.take(3, network: network.file) }
        let none = ReplyBlockSorting([], damaged: 0, network: network.file, now: now) { _ in false }
        #expect(throws: ReplyError.noBlocks) { try none.take(1, network: network.file) }
    }

    @Test func linesForProgramsAreWordsBetweenSpaces() {
        #expect(StatusLines.line("TYPE", ["a b", "", "100%", "é\n"]) == "[NIGHTJAR:] TYPE a%20b - 100%25 %C3%A9%0A")
        #expect(StatusLines.line("NONE", []) == "[NIGHTJAR:] NONE")
    }
}
