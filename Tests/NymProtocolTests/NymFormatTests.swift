import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import NymProtocol

/// Each format has one spelling, and no bytes trap its reader.
@Suite struct NymFormatTests {
    private func status(_ random: inout SeededRandom) throws -> NymStatus {
        NymStatus(
            account: try NymFixture.name("alice"), day: .random(in: 0 ... .max, using: &random), waitingItems: 3,
            waitingBytes: .random(in: 0 ... .max, using: &random), heldItems: 9, usedBytes: 8, quota: 1 << 40,
            surbs: 336,
            surbsUntil: Bool.random(using: &random) ? nil : NymFixture.start, generation: 4,
            isReplaced: Bool.random(using: &random), packets: .middle, budget: 20, difficulty: 20, closesOn: 20_000,
            devices: .random(in: 0 ... .max, using: &random),
            results: (0..<Int.random(in: 0...20, using: &random)).map {
                NymResult(
                    device: .random(in: 0 ... .max, using: &random), number: UInt64($0 + 1), command: 1,
                    code: NymResultCode.allCases.randomElement(using: &random) ?? .done, bits: 22,
                    text: String(repeating: "gr\u{FC}n ", count: Int.random(in: 0...40, using: &random)))
            })
    }

    private func packet(_ random: inout SeededRandom) throws -> NymPacket {
        let status = try status(&random)
        var room = NymPacket.room(beside: status)
        var records: [NymRecord] = []
        while Bool.random(using: &random) || records.isEmpty {
            let count = Int.random(in: 1...9000, using: &random)
            guard count + NymRecord.overhead <= room else { break }
            let offset = UInt32.random(in: 0...100_000, using: &random)
            records.append(
                try NymRecord(
                    item: .random(in: 0 ... .max, using: &random),
                    kind: NymItemKind.allCases.randomElement(using: &random) ?? .mail,
                    total: offset + UInt32(count) + UInt32.random(in: 0...10, using: &random), offset: offset,
                    bytes: random.bytes(count)))
            room -= count + NymRecord.overhead
        }
        return try NymPacket(status: status, records: records)
    }

    /// Whatever a reader takes, it writes again.
    private func mutate<Value>(
        _ bytes: [UInt8], times: Int, using random: inout SeededRandom, read: ([UInt8]) throws(NymError) -> Value,
        write: (Value) -> [UInt8]
    ) {
        for _ in 0..<times {
            var changed = bytes
            switch Int.random(in: 0..<3, using: &random) {
            case 0: changed = Array(changed.prefix(Int.random(in: 0..<changed.count, using: &random)))
            case 1: changed += random.bytes(Int.random(in: 1...5, using: &random))
            default:
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    // Most of what is checked stands in the first bytes.
                    let place = Int.random(
                        in: 0..<min(changed.count, Bool.random(using: &random) ? 200 : .max), using: &random)
                    changed[place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            if let value = try? read(changed) { #expect(write(value) == changed) }
        }
    }

    @Test func packets() throws {
        var random = SeededRandom(name: "packets")
        for _ in 0..<60 {
            let packet = try packet(&random)
            let bytes = packet.encoded
            #expect(bytes.count == NymPacket.size && NymPacket.size == 25_566)
            #expect(packet.status.encoded.count <= NymStatus.largest)
            #expect(try NymPacket(decoding: bytes) == packet)
            mutate(bytes, times: 40, using: &random, read: NymPacket.init(decoding:), write: \.encoded)
        }
        let status = try status(&random)
        let room = NymPacket.room(beside: status)
        let full = try NymRecord(
            item: 1, kind: .mail, total: 1 << 20, offset: 0, bytes: random.bytes(room - NymRecord.overhead))
        #expect(try NymPacket(status: status, records: [full]).encoded.count == NymPacket.size)
        let more = try NymRecord(item: 1, kind: .mail, total: 1 << 20, offset: 0, bytes: [1])
        #expect(throws: NymError.self) { try NymPacket(status: status, records: [full, more]) }
        for bytes in [0, 1, NymPacket.size, 1 << 20].map({ random.bytes($0) }) {
            #expect(throws: NymError.self) { try NymPacket(decoding: bytes) }
        }
    }

    @Test func recordsAreWithinTheirItem() {
        #expect(throws: NymError.malformed) { try NymRecord(item: 1, kind: .mail, total: 5, offset: 5, bytes: [1]) }
        #expect(throws: NymError.malformed) { try NymRecord(item: 1, kind: .mail, total: 5, offset: 0, bytes: []) }
        #expect(throws: NymError.malformed) { try NymRecord(item: 1, kind: .mail, total: .max, offset: 0, bytes: [1]) }
        #expect(throws: NymError.malformed) { try NymRecord(item: 1, kind: .mail, total: 9, offset: .max, bytes: [1]) }
    }

    @Test func requests() throws {
        var random = SeededRandom(name: "requests")
        let commands = try NymFixture.commands()
        for _ in 0..<40 {
            let some = commands.dropFirst().filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
            let request = try NymRequest(
                account: NymFixture.name("alice"), device: .random(in: 0 ... .max, using: &random), number: 9,
                resultsSeen: 8,
                commands: Bool.random(using: &random) ? Array(commands.prefix(1)) + some : some)
            let bytes = request.encoded
            #expect(try NymRequest(decoding: bytes[...]) == request)
            mutate(
                bytes, times: 60, using: &random,
                read: { (bytes) throws(NymError) in try NymRequest(decoding: bytes[...]) },
                write: \.encoded)
        }
        for mail in [try NymFixture.mail(), try NymFixture.mail(to: ["a@b.example", "c@d.example"])] {
            #expect(try NymMail(decoding: mail.encoded) == mail)
            mutate(mail.encoded, times: 200, using: &random, read: NymMail.init(decoding:), write: \.encoded)
        }
    }

    @Test func boundsOfRequests() throws {
        let alice = try NymFixture.name("alice")
        func request(_ number: UInt64, _ seen: UInt64, _ commands: [NymCommand]) throws -> NymRequest {
            try NymRequest(account: alice, device: 1, number: number, resultsSeen: seen, commands: commands)
        }
        #expect(throws: NymError.malformed) { try request(0, 0, []) }
        #expect(throws: NymError.malformed) { try request(3, 3, []) }
        #expect(throws: NymError.self) { try request(1, 0, Array(repeating: .list, count: 17)) }
        #expect(throws: NymError.self) { try request(1, 0, [.acknowledge(Array(0...4096))]) }
        #expect(throws: NymError.self) { try request(1, 0, [.get(Array(repeating: NymRange(item: 1), count: 1025))]) }
        let create = try NymFixture.commands()[0]
        #expect(throws: NymError.malformed) { try request(1, 0, [.list, create]) }
        #expect(throws: NymError.self) {
            try NymBatch(generation: 1, blocks: Array(repeating: NymFixture.block(1), count: 801))
        }
        #expect(throws: NymError.malformed) { try NymBatch(generation: 1, blocks: [[1]]) }
    }

    @Test func mailsThatNobodyTakes() throws {
        let alice = try NymFixture.name("alice")
        let good = Array("Subject: x\r\n\r\nbody\r\n".utf8)
        for recipients in [
            [], ["bob"], ["nym:x@y.example"], ["Bob@Example.ORG"], ["bob@example.org", "bob@example.org"], ["a@b\r\n"],
        ] {
            #expect(throws: NymError.self, "\(recipients)") {
                try NymMail(from: alice, recipients: recipients, content: good)
            }
        }
        for content in ["a\nb\r\n", "a", "a\0\r\n", String(repeating: "x", count: 999) + "\r\n"] {
            #expect(throws: NymError.malformed) {
                try NymMail(from: alice, recipients: ["bob@example.org"], content: Array(content.utf8))
            }
        }
        #expect(throws: NymError.malformed) {
            try NymMail(from: alice, displayName: "a\r\nBcc: x", recipients: ["bob@example.org"], content: good)
        }
        #expect(throws: NymError.self) {
            try NymMail(
                from: alice, recipients: ["bob@example.org"], content: Array(repeating: 0x41, count: 1 << 20 + 1))
        }
    }

    @Test func synopses() throws {
        var random = SeededRandom(name: "synopses")
        let mail =
            "From: =?utf-8?b?w4Q=?=\r\n <a@b.example>\r\nSUBJECT:  one\r\n\ttwo\r\nFrom: second\r\n\r\nSubject: body\r\n"
        let synopsis = NymSynopsis(of: Array(mail.utf8), day: 20_000)
        #expect(synopsis.from == "=?utf-8?b?w4Q=?= <a@b.example>" && synopsis.subject == "one two")
        #expect(synopsis.size == UInt32(mail.utf8.count) && synopsis.day == 20_000)
        #expect(try synopsis.encoded.count == 512 && (try NymSynopsis(decoding: synopsis.encoded)) == synopsis)
        mutate(synopsis.encoded, times: 500, using: &random, read: NymSynopsis.init(decoding:), write: \.encoded)
        let hostile = NymSynopsis(
            from: "a\u{1B}[2J\u{202E}b" + String(repeating: "\u{E9}", count: 500), subject: "x\r\ny", size: 1, day: 1)
        #expect(hostile.from.hasPrefix("a[2Jb") && hostile.from.utf8.count <= 160 && hostile.subject == "xy")
        #expect(try NymSynopsis(decoding: hostile.encoded) == hostile)
        for _ in 0..<300 {
            let made = NymSynopsis(of: random.bytes(Int.random(in: 0...2000, using: &random)), day: 1)
            #expect(try NymSynopsis(decoding: made.encoded) == made)
        }
        #expect(NymSeal.synopsisSize == 1648)
    }

    @Test func accountsAndRanges() throws {
        var random = SeededRandom(name: "accountsAndRanges")
        var account = try NymFixture.account()
        for number in 1...90 {
            let request = try NymRequest(
                account: account.name, device: UInt64(number % 9), number: UInt64(number / 9 + 2),
                commands: number % 4 == 0
                    ? [.removeAlias(NymFixture.name("none"))] : [.policy(NymPolicy(packets: .high))])
            _ = account.execute(
                request, at: NymFixture.start, facts: NymFacts(domain: NymFixture.domain), limits: NymLimits())
            #expect(try NymAccount(decoding: account.encoded) == account)
        }
        mutate(account.encoded, times: 500, using: &random, read: NymAccount.init(decoding:), write: \.encoded)
        for _ in 0..<60 {
            var wanted = WantedRanges(allOf: 5000)
            var model = Set(0..<UInt32(5000))
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let start = UInt32.random(in: 0..<5000, using: &random)
                let range = start..<UInt32.random(in: start...5000, using: &random)
                if Bool.random(using: &random) {
                    wanted.insert(range)
                    model.formUnion(range)
                } else {
                    wanted.remove(range)
                    model.subtract(range)
                }
                #expect(Set(wanted.ranges.flatMap { $0 }) == model && wanted.count == model.count)
                #expect(try WantedRanges(decoding: wanted.encoded) == wanted)
            }
            mutate(
                wanted.encoded + [0], times: 10, using: &random, read: WantedRanges.init(decoding:), write: \.encoded)
        }
        var many = WantedRanges()
        for place in 0..<UInt32(500) { many.insert(place * 10..<place * 10 + 1) }
        #expect(many.ranges.count == WantedRanges.most && many.count >= 500)
    }
}
