import Messages
import MixCrypto
import NymProtocol
import Sphinx
import TestSupport
import WireFormat

/// The owner of a nym: keys, requests, and what comes back.
final class NymPerson {
    let name: NymName
    let domain: String
    let signing: SigningKey
    let sealing: KEMPrivateKey
    let maker: SURBMaker
    let device: UInt64
    private(set) var number: UInt64 = 0
    var seen: UInt64 = 0
    /// Records that came, by item and kind.
    private(set) var pieces: [String: [UInt32: [UInt8]]] = [:]
    private(set) var totals: [String: Int] = [:]
    private(set) var statuses: [NymStatus] = []

    init(_ name: String, domain: String, using random: inout SeededRandom) throws {
        guard let name = NymName(name) else { throw MixNetwork.Lost() }
        self.name = name
        self.domain = domain
        var (one, two) = (random.bytes(32), random.bytes(32))
        signing = try SigningKey(seed: SecretBytes(moving: &one))
        sealing = try KEMPrivateKey(seed: SecretBytes(moving: &two))
        maker = SURBMaker(secret: SymmetricSecret(copying: random.bytes(32)))
        device = random.next()
    }

    /// Another device of the same owner.
    init(deviceOf other: NymPerson, using random: inout SeededRandom) {
        (name, domain, signing, sealing) = (other.name, other.domain, other.signing, other.sealing)
        maker = SURBMaker(secret: SymmetricSecret(copying: random.bytes(32)))
        device = random.next()
    }

    func creation(_ packets: NymClass = .low, bits: Int) -> NymCommand {
        let work = ProofOfWork.find(domain: domain, name: name, key: signing.verificationKey, bits: bits)
        return .create(
            NymCreation(
                signing: signing.verificationKey, sealing: sealing.publicKey, work: work, packets: packets))
    }

    /// A mail with a new request.
    func request(_ commands: [NymCommand], to server: KEMPublicKey) throws -> [UInt8] {
        number += 1
        let request = try NymRequest(
            account: name, device: device, number: number, resultsSeen: seen, commands: commands)
        let sealed = try request.sealed(for: domain, key: signing, to: server)
        return Array("From: anonymous@exit.example\r\nSubject: x\r\n\r\n".utf8) + NymRequestText.text(sealed)
    }

    /// Takes a packet that came.
    func take(_ packet: NymPacket) {
        statuses.append(packet.status)
        for record in packet.records {
            let key = "\(record.item) \(record.kind.rawValue)"
            pieces[key, default: [:]][record.offset] = record.bytes
            totals[key] = Int(record.total)
        }
    }

    /// Items of a kind that are complete, opened, by number.
    func items(_ kind: NymItemKind) throws -> [(item: UInt64, content: [UInt8])] {
        var items: [(UInt64, [UInt8])] = []
        for (key, parts) in pieces {
            let words = key.split(separator: " ")
            guard words[1] == "\(kind.rawValue)", let number = UInt64(words[0]) else { continue }
            let sealed = parts.sorted { $0.key < $1.key }.flatMap(\.value)
            guard sealed.count == totals[key] else { continue }
            items.append((number, try NymSeal.open(sealed, with: sealing)))
        }
        return items.sorted { $0.0 < $1.0 }
    }

    /// The results of the newest status.
    var results: [NymResult] { statuses.last?.results ?? [] }
}
