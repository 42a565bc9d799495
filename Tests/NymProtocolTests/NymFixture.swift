import Foundation
import Messages
import MixCrypto
import NymProtocol
import TestSupport
import WireFormat

/// Keys that never change, and values drawn at random.
enum NymFixture {
    static let domain = "nym.example"
    static let start = Timestamp(seconds: 1_800_000_000)

    static func signing(_ number: UInt8) throws -> SigningKey {
        var seed = [UInt8](repeating: number, count: 32)
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }

    static func sealing(_ number: UInt8) throws -> KEMPrivateKey {
        var seed = [UInt8](repeating: number, count: 32)
        return try KEMPrivateKey(seed: SecretBytes(moving: &seed))
    }

    static func name(_ text: String) throws -> NymName {
        guard let name = NymName(text) else { throw NymError.malformed }
        return name
    }

    static func block(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: PayloadSize.replyBlock)
    }

    static func mail(to recipients: [String] = ["bob@example.org"], from: String = "alice") throws -> NymMail {
        try NymMail(
            from: name(from), displayName: "Alice", recipients: recipients,
            content: Array("Subject: hello\r\n\r\nHello Bob.\r\n".utf8))
    }

    static func creation(_ name: NymName, key: SigningKey, bits: Int = 4) throws -> NymCreation {
        NymCreation(
            signing: key.verificationKey, sealing: try sealing(3).publicKey,
            work: .find(domain: domain, name: name, key: key.verificationKey, bits: bits))
    }

    /// One of each command.
    static func commands() throws -> [NymCommand] {
        let alice = try name("alice")
        let key = try signing(1)
        return [
            .create(try creation(alice, key: key)), .surbs(try NymBatch(generation: 7, blocks: [block(1), block(2)])),
            .send(try mail()), .list, .get([NymRange(item: 5), NymRange(item: 6, offset: 100, length: 20)]),
            .acknowledge([1, 2, 3]), .policy(NymPolicy(packets: .high, delivers: .synopses, synopsisAbove: 10_000)),
            .addAlias(try name("al"), ProofOfWork(nonce: 99)), .removeAlias(try name("al")),
            .rotate(
                try NymRotation(to: signing(2), sealing: sealing(4).publicKey, account: alice, domain: domain)), .close,
        ]
    }

    static func limits(bits: Int = 4) -> NymLimits {
        var limits = NymLimits()
        limits.workBits = bits
        return limits
    }

    /// An account of a first request.
    static func account(_ text: String = "alice", limits: NymLimits = limits()) throws -> NymAccount {
        let key = try signing(1)
        let name = try name(text)
        let request = try NymRequest(
            account: name, device: 1, number: 1, commands: [.create(try creation(name, key: key))])
        guard
            case .created(let account, _) = NymAccount.create(
                request, at: start, facts: NymFacts(domain: domain), limits: limits)
        else { throw NymError.malformed }
        return account
    }
}

/// Hex files that hold formats as they were first written.
enum Golden {
    static func bytes(_ name: String, recording made: [UInt8]) throws -> [UInt8] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Golden/\(name).hex")
        if ProcessInfo.processInfo.environment["NIGHTJAR_RECORD_GOLDEN"] != nil {
            let lines = stride(from: 0, to: made.count, by: 48).map { Hex.encode(made[$0..<min($0 + 48, made.count)]) }
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        }
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        guard let bytes = Hex.decode(text.filter { $0 != "\n" }) else { throw NymError.malformed }
        return bytes
    }
}
