import TestSupport
import Testing
import WireFormat

@testable import NymProtocol

/// A client and a server that talk through a network which loses, doubles and reorders: everything comes exactly once, and
/// what leaves the server is the same whatever comes in.
@Suite struct NymDeliveryTests {
    /// Loses some, doubles some, and delivers each copy some cycles later.
    private struct Network<Message> {
        private var underWay: [Int: [Message]] = [:]

        mutating func send(_ message: Message, at cycle: Int, using random: inout SeededRandom) {
            for _ in 0..<([0, 1, 1, 1, 1, 2].randomElement(using: &random) ?? 1) {
                underWay[cycle + Int.random(in: 0...8, using: &random), default: []].append(message)
            }
        }

        mutating func arrivals(_ cycle: Int, using random: inout SeededRandom) -> [Message] {
            (underWay.removeValue(forKey: cycle) ?? []).shuffled(using: &random)
        }
    }

    private func run(
        cycles: Int, packets: NymClass, using random: inout SeededRandom, mails: (Int) -> [Int]
    ) throws -> (server: NymServerModel, client: NymClientModel) {
        var server = try NymServerModel(packets: packets)
        var client = NymClientModel(account: server.account.name)
        var up = Network<[UInt8]>()
        var down = Network<[UInt8]>()
        for cycle in 0..<cycles {
            // In the last two thirds nothing new comes, and what is under way comes to its end.
            if cycle < cycles / 3 { for size in mails(cycle) { server.arrive(size, cycle) } }
            for bytes in up.arrivals(cycle, using: &random) { try server.take(NymRequest(decoding: bytes[...]), cycle) }
            let before = server.sent
            for _ in 0..<packets.packets {
                if let packet = try server.slot(cycle) { down.send(packet, at: cycle, using: &random) }
            }
            #expect(server.sent - before == packets.packets)
            for bytes in down.arrivals(cycle, using: &random) { client.take(try NymPacket(decoding: bytes)) }
            for request in try client.requests(cycle, packets: packets) {
                up.send(request.encoded, at: cycle, using: &random)
            }
        }
        return (server, client)
    }

    @Test(arguments: NymClass.allCases)
    func everythingComesOnce(_ packets: NymClass) throws {
        var random = SeededRandom(name: "everythingComesOnce")
        var sizes = random
        let (server, client) = try run(cycles: 1050, packets: packets, using: &random) { cycle in
            cycle % (16 / packets.packets) == 0
                ? (0..<Int.random(in: 1...3, using: &sizes)).map { _ in
                    Int.random(in: 100...([2000, 40_000, 400_000].randomElement(using: &sizes) ?? 2000), using: &sizes)
                } : []
        }
        #expect(client.twice == 0)
        #expect(
            client.delivered.count == server.accepted && server.accepted > 20,
            "\(client.delivered.count) of \(server.accepted)")
        #expect(server.items.count == 0, "everything was acknowledged")
        #expect(server.refused == 0)
        print(
            "\(packets): \(server.accepted) mails, \(server.synopses) as synopses first, \(server.unserved) slots without a block"
        )
    }

    @Test func aFloodCostsNoBlockMore() throws {
        var random = SeededRandom(name: "aFloodCostsNoBlockMore")
        let (server, _) = try run(cycles: 120, packets: .low, using: &random) { cycle in
            cycle == 20 ? Array(repeating: 3000, count: 10_000) : []
        }
        #expect(server.sent == 120 && server.spent <= 120)
        #expect(server.mostItems == server.limits.quotaItems && server.mostBytes <= server.limits.quotaBytes)
        #expect(server.refused == 10_000 - 2000)
        // What waits to be sent is bounded too: the rest is held.
        #expect(server.mostWaiting <= 2 * server.limits.carried(by: .low) + 6000, "\(server.mostWaiting)")
    }
}
