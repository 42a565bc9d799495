import MixCrypto
import Testing
import WireFormat

@testable import NymProtocol

/// The formats held against files that must never change unnoticed (NIGHTJAR_RECORD_GOLDEN writes them anew).
@Suite struct NymGoldenTests {
    private func request() throws -> NymRequest {
        try NymRequest(
            account: NymFixture.name("alice"), device: 0x0102_0304_0506_0708, number: 5, resultsSeen: 3,
            commands: NymFixture.commands())
    }

    @Test func requests() throws {
        let request = try request()
        // The blocks are of one byte each; without them the file stays short.
        let small = try NymRequest(
            account: request.account, device: request.device, number: 5, resultsSeen: 3,
            commands: request.commands.filter { if case .surbs = $0 { false } else { true } })
        let golden = try Golden.bytes("request", recording: small.encoded)
        #expect(try golden == small.encoded && (try NymRequest(decoding: golden[...])) == small)
        #expect(
            Digest.sha256(request.encoded).hex == "3a5c09d0e977f68146db9881ffcdf6fc692bb0582896a3c0d8b8b746f19f3607")
    }

    @Test func aSealedRequest() throws {
        let key = try NymFixture.signing(1)
        let server = try NymFixture.sealing(9)
        let small = try NymRequest(
            account: NymFixture.name("alice"), device: 1, number: 2, resultsSeen: 1,
            commands: [.list, .acknowledge([7])])
        let made = try small.sealed(for: NymFixture.domain, key: key, to: server.publicKey)
        let golden = try Golden.bytes("sealed-request", recording: made)
        #expect(golden.count == made.count)
        let opened = try UnverifiedNymRequest(opening: golden, domain: NymFixture.domain, with: server)
        #expect(try opened.verify(key.verificationKey) == small)
    }

    @Test func packets() throws {
        let status = NymStatus(
            account: try NymFixture.name("alice"), day: 20_833, waitingItems: 2, waitingBytes: 40_000, heldItems: 1,
            usedBytes: 90_000, quota: 64 << 20, surbs: 335, surbsUntil: NymFixture.start, generation: 2,
            packets: .middle,
            budget: 19, difficulty: 20, closesOn: 20_923, devices: 3,
            results: [
                NymResult(device: 1, number: 4, code: .done),
                NymResult(device: 1, number: 5, command: 2, code: .needsWork, bits: 22, text: "more work"),
            ])
        let packet = try NymPacket(
            status: status,
            records: [
                NymRecord(item: 3, kind: .synopsis, total: 1648, offset: 0, bytes: [1, 2, 3]),
                NymRecord(item: 4, kind: .mail, total: 70_000, offset: 65_536, bytes: Array(0..<200)),
            ])
        var made = packet.encoded
        while made.last == 0 { made.removeLast() }
        let golden = try Golden.bytes("packet", recording: made)
        #expect(golden == made)
        #expect(try NymPacket(decoding: golden + [UInt8](repeating: 0, count: NymPacket.size - golden.count)) == packet)
    }

    @Test func accountsAndSynopses() throws {
        let account = try NymFixture.account()
        let golden = try Golden.bytes("account", recording: account.encoded)
        #expect(try golden == account.encoded && (try NymAccount(decoding: golden)) == account)
        let synopsis = NymSynopsis(from: "Bob <bob@example.org>", subject: "hello", size: 1234, day: 20_833)
        let other = try Golden.bytes("synopsis", recording: synopsis.encoded)
        #expect(try other == synopsis.encoded && (try NymSynopsis(decoding: other)) == synopsis)
    }

    @Test func slotsAndWork() throws {
        let clock = CycleClock(secret: SymmetricSecret(copying: [UInt8](repeating: 5, count: 32)))
        var writer = WireWriter()
        for slot in clock.slots(account: 7, cycle: 500_000, count: 4) { writer.integer(UInt64(slot.milliseconds)) }
        let work = ProofOfWork.find(
            domain: NymFixture.domain, name: try NymFixture.name("alice"),
            key: try NymFixture.signing(1).verificationKey, bits: 12)
        writer.integer(work.nonce)
        #expect(try Golden.bytes("slots-and-work", recording: writer.bytes) == writer.bytes)
    }
}
