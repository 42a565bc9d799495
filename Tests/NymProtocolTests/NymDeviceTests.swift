import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import NymProtocol

/// How many devices an account knows, and what makes room for others.
@Suite struct NymDeviceTests {
    private let limits = NymFixture.limits()
    private let start = NymFixture.start
    private var facts: NymFacts { NymFacts(domain: NymFixture.domain) }

    private func request(_ number: UInt64, device: UInt64, _ commands: [NymCommand]) throws -> NymRequest {
        try NymRequest(account: NymFixture.name("alice"), device: device, number: number, commands: commands)
    }

    private func code(_ account: NymAccount, _ number: UInt64, device: UInt64) -> NymResultCode? {
        account.status(NymLoad(), at: start, limits: limits).results.first {
            $0.number == number && $0.device == device
        }?.code
    }

    @Test func eightDevicesAndRotation() throws {
        var account = try NymFixture.account()
        for device in 2...12 as ClosedRange<UInt64> {
            let effects = account.execute(
                try request(1, device: device, [.list]), at: start, facts: facts, limits: limits)
            #expect(effects.isEmpty == (device > 8))
        }
        let new = try NymFixture.signing(2)
        let rotation = try NymRotation(
            to: new, sealing: NymFixture.sealing(4).publicKey, account: account.name, domain: NymFixture.domain)
        _ = account.execute(try request(2, device: 3, [.rotate(rotation)]), at: start, facts: facts, limits: limits)
        #expect(account.signing == new.verificationKey && account.sealing == rotation.sealing)
        #expect(account.devices.map(\.id) == [3] && code(account, 2, device: 3) == .done)
        let again = account.execute(try request(2, device: 3, [.list]), at: start, facts: facts, limits: limits)
        let fresh = account.execute(try request(1, device: 99, [.list]), at: start, facts: facts, limits: limits)
        #expect(again.isEmpty && fresh == [.wantSynopses])
    }

    /// It forgets the others anyway; a rotation that is refused makes no room.
    @Test func aNinthDeviceMayRotate() throws {
        var account = try NymFixture.account()
        func rotate(_ number: UInt64, device: UInt64, to key: UInt8) throws -> [NymEffect] {
            let rotation = try NymRotation(
                to: NymFixture.signing(key), sealing: NymFixture.sealing(4).publicKey, account: account.name,
                domain: NymFixture.domain)
            return account.execute(
                try request(number, device: device, [.list, .rotate(rotation)]), at: start, facts: facts, limits: limits
            )
        }
        _ = try rotate(2, device: 1, to: 2)
        for device in 2...8 as ClosedRange<UInt64> {
            _ = account.execute(try request(1, device: device, []), at: start, facts: facts, limits: limits)
        }
        #expect(account.status(NymLoad(), at: start, limits: limits).devices == 8)
        let full = account
        // A key that was there before, and the key that is: nothing at all is done.
        for key in [1, 2] as [UInt8] { #expect(try rotate(1, device: 9, to: key).isEmpty && account == full) }
        #expect(try rotate(2, device: 9, to: 3) == [.wantSynopses])
        #expect(account.devices.map(\.id) == [9] && code(account, 2, device: 9) == .done)
        #expect(account.status(NymLoad(), at: start, limits: limits).devices == 1)
        #expect(try NymAccount(decoding: account.encoded) == account)
    }
}
