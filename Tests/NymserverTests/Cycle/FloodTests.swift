import Foundation
import NymProtocol
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("A flood of mail", .timeLimit(.minutes(10)))
struct FloodTests {
    @Test("10 000 mails at one nym cost it no block beyond the cycle, and another's mail comes in its next slot")
    func flood() async throws {
        var random = SeededRandom(name: "flood")
        let network = try MixNetwork()
        let stage = try await NymserverStage(network)
        let alice = try stage.make("alice", blocks: 20, using: &random)
        let bob = try stage.make("bob", blocks: 20, using: &random)
        let before = ContinuousClock.now
        var caller = try stage.caller()
        var answers: [Substring: Int] = [:]
        let count = 10_000
        for number in 0..<count {
            // One connection takes a thousand mails.
            if number % 900 == 899 { caller = try stage.caller() }
            let mail = MailDoorTests.mail("flood \(number)", id: "f\(number)")
            answers[try caller.deliver(mail, to: "alice@nym.example").prefix(9), default: 0] += 1
            // The dialogue blocks its thread, and other tests want to go on.
            if number.isMultiple(of: 10) { await Task.yield() }
            if number == count / 2 {
                #expect(try caller.deliver(MailDoorTests.mail("for bob"), to: "bob@nym.example").hasPrefix("250"))
            }
        }
        let time = ContinuousClock.now - before
        let quota = stage.parts.limits.quotaItems
        #expect(answers == ["250 2.0.0": quota, "452 4.2.2": count - quota])
        let slot = stage.parts.slots.next(after: stage.now + .seconds(30), account: 2, count: 1)
        let packets = try stage.pass(.hours(6))
        var (own, others) = (0, 0)
        var came: Timestamp?
        for packet in packets {
            if let read = try? network.read(packet, alice.maker) {
                alice.take(read)
                own += 1
            } else if let read = try? network.read(packet, bob.maker) {
                bob.take(read)
                others += 1
                if came == nil, try !bob.items(.mail).isEmpty { came = packet.release }
            }
        }
        print("flood: \(count) mails in \(time), answers \(answers); blocks spent in 6 cycles: \(own) and \(others);")
        print("flood: bob's slot \(slot), his mail came at \(came.map(\.description) ?? "never")")
        #expect((5...7).contains(own) && (5...7).contains(others))
        let spent = UInt32(20 - own)
        #expect(alice.statuses.last?.surbs == spent)
        #expect(came.map { $0 <= slot } == true)
        await stage.close()
    }
}
