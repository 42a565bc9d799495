import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Which test mails can be called lost")
struct DeliveryProofTests {
    private let start = Timestamp(seconds: 1_000_000)
    private func tag(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    @Test("nothing before a later one has arrived, and no later than that shows")
    func proof() {
        var proof = DeliveryProof(deadline: .hours(6), now: start)
        #expect(proof.emptied(at: start + .hours(1)) == nil)
        for number in 0..<4 { proof.sent(tag(number), at: start + .minutes(Int64(number) * 10)) }
        #expect(proof.emptied(at: start + .hours(1)) == nil)
        // Sent after ten minutes, arrived after an hour.
        proof.arrived(tag(1), at: start + .hours(1))
        #expect(proof.emptied(at: start + .minutes(59)) == start + .minutes(59))
        #expect(proof.emptied(at: start + .hours(9)) == start + .hours(1))
        // One that is late itself says nothing of those that were sent after it.
        proof.arrived(tag(3), at: start + .hours(9))
        #expect(proof.emptied(at: start + .hours(9)) == start + .hours(1))
        proof.sent(tag(4), at: start + .hours(8))
        proof.arrived(tag(4), at: start + .hours(10))
        #expect(proof.emptied(at: start + .hours(11)) == start + .hours(10))
        // A clock that was set back, and what nobody has sent.
        #expect(proof.emptied(at: start) == start)
        proof.arrived([9, 9, 9], at: start + .hours(11))
        #expect(proof.emptied(at: start + .hours(11)) == start + .hours(10))
    }

    @Test(
        "while the operator's own mail server is down nothing is lost, and nothing of that time is when it is up again")
    func ownServerDown() {
        var proof = DeliveryProof(deadline: .hours(6), now: start)
        // Ten minutes apart; what is sent from the first to the eleventh hour never arrives.
        var noted: [Timestamp] = []
        for number in 0..<300 {
            let now = start + .minutes(Int64(number) * 10)
            proof.sent(tag(number), at: now)
            let isDown = (6..<66).contains(number)
            if !isDown { proof.arrived(tag(number), at: now + .minutes(1)) }
            if let time = proof.emptied(at: now + .minutes(2)) { noted.append(time) }
        }
        for number in 6..<66 {
            let sent = start + .minutes(Int64(number) * 10)
            #expect(!noted.contains { $0 >= sent + .hours(6) && $0 < sent + .hours(12) }, "\(number)")
        }
        // What was sent afterwards is judged again.
        for number in 67..<200 {
            let sent = start + .minutes(Int64(number) * 10)
            #expect(noted.contains { $0 >= sent + .hours(6) && $0 < sent + .hours(12) }, "\(number)")
        }
    }

    @Test("one exit that drops everything is found out by the mail of others")
    func oneExit() {
        var proof = DeliveryProof(deadline: .hours(6), now: start)
        var noted: Timestamp?
        for number in 0..<100 {
            let now = start + .minutes(Int64(number) * 10)
            proof.sent(tag(number), at: now)
            if number.isMultiple(of: 2) { proof.arrived(tag(number), at: now + .minutes(1)) }
            noted = proof.emptied(at: now + .minutes(2)) ?? noted
        }
        #expect(noted == start + .minutes(981))
    }

    @Test("what is remembered is bounded")
    func bound() {
        var proof = DeliveryProof(deadline: .hours(6), now: start)
        for number in 0..<(DeliveryProof.limit * 2) { proof.sent(tag(number), at: start + .seconds(Int64(number))) }
        #expect(proof.underway <= DeliveryProof.limit)
    }
}
