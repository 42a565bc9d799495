public import MixCrypto
internal import WireFormat

/// What opens an account: its keys, and the work that its name costs.
///
///     signing key 32 | sealing key 1216 | nonce u64 | class u8
public struct NymCreation: Hashable, Sendable {
    /// Signs the account's requests, this one first.
    public let signing: VerificationKey
    /// Everything for the nym is sealed to it.
    public let sealing: KEMPublicKey
    public let work: ProofOfWork
    public let packets: NymClass

    public init(signing: VerificationKey, sealing: KEMPublicKey, work: ProofOfWork, packets: NymClass = .low) {
        self.signing = signing
        self.sealing = sealing
        self.work = work
        self.packets = packets
    }

    func write(to writer: inout WireWriter) {
        writer.append(signing.bytes)
        writer.append(sealing.bytes)
        writer.integer(work.nonce)
        writer.integer(packets.rawValue)
    }

    init(from reader: inout WireReader) throws {
        signing = try reader.verificationKey()
        sealing = try reader.sealingKey()
        work = ProofOfWork(nonce: try reader.integer())
        packets = try reader.packetClass()
    }
}
