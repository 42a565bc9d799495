// Packets in a file, to be carried to another machine and handed over from there (`nightjar queue out` and `queue in`).
// What is in it is what a first node sees anyway: nobody can read more out of it, but whoever has it can see how many
// packets somebody has and where they go first.

internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// Why a file of packets cannot be used.
enum PacketFileError: Error, Equatable, Sendable {
    /// Not a file of packets of a version that we know, or not whole.
    case malformed
    /// Whole, but its digest does not fit.
    case damaged
    /// More packets than a file may have.
    case tooMany
}

/// A file of packets of one network.
///
///     "NJPKTS" 6 | version 1 u8 | length u8 | network | count u32 | ( first node 32 | made u64 | deadline u64 | packet 32768 )*
///     | SHA-256 of all before 32
///
/// Numbers are big-endian, times milliseconds since 1970 by the network's clock.
struct PacketFile {
    let network: String
    let packets: [OutgoingPacket]

    /// Most packets of a file: 16 MiB.
    static let maximumPackets = 512
    private static let magic = Array("NJPKTS".utf8)
    private static let version: UInt8 = 1
    private static let headSize = 6 + 1 + 1 + 32 + 4
    private static let recordSize = 32 + 8 + 8 + Geometry.suite1.packetSize
    /// Bytes of the longest file.
    static let sizeLimit = headSize + maximumPackets * recordSize + Digest.byteCount

    init(network: String, packets: [OutgoingPacket]) {
        self.network = network
        self.packets = packets
    }

    /// The file.
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.headSize + packets.count * Self.recordSize + Digest.byteCount)
        writer.append(Self.magic)
        writer.integer(Self.version)
        // Names of networks have at most 32 characters.
        writer.integer(UInt8(truncatingIfNeeded: network.utf8.count))
        writer.append(network.utf8)
        writer.integer(UInt32(clamping: packets.count))
        for packet in packets {
            writer.fixed(packet.first)
            writer.integer(UInt64(clamping: packet.made.milliseconds))
            writer.integer(UInt64(clamping: packet.deadline.milliseconds))
            writer.append(packet.body)
        }
        let digest = Digest.sha256(writer.bytes)
        writer.fixed(digest)
        return writer.bytes
    }

    /// Reads a file.
    init(decoding bytes: [UInt8]) throws(PacketFileError) {
        do {
            var reader = WireReader(bytes)
            guard try reader.slice(Self.magic.count).elementsEqual(Self.magic),
                try reader.integer(UInt8.self) == Self.version
            else { throw PacketFileError.malformed }
            network = try reader.text(Int(try reader.integer(UInt8.self)))
            let count = Int(try reader.integer(UInt32.self))
            guard count <= Self.maximumPackets else { throw PacketFileError.tooMany }
            guard reader.remaining == count * Self.recordSize + Digest.byteCount else {
                throw PacketFileError.malformed
            }
            guard Digest.sha256(bytes.dropLast(Digest.byteCount)).bytes.elementsEqual(bytes.suffix(Digest.byteCount))
            else { throw PacketFileError.damaged }
            var packets: [OutgoingPacket] = []
            packets.reserveCapacity(count)
            for _ in 0..<count {
                let first: NodeID = try reader.fixed()
                let made = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
                let deadline = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
                let body = Array(try reader.slice(Geometry.suite1.packetSize))
                packets.append(OutgoingPacket(body: body, first: first, made: made, deadline: deadline))
            }
            self.packets = packets
        } catch let error as PacketFileError {
            throw error
        } catch {
            throw .malformed
        }
    }
}

extension PacketFile {
    /// Which of the packets can still be handed over in a network, and why not the others. A file comes from elsewhere: a
    /// packet is taken only for a node of the network, with a deadline ahead that is no later than a packet made now has.
    func sort(now: Timestamp, longest: Interval, isKnown: (NodeID) -> Bool) -> (
        good: [OutgoingPacket], late: Int, foreign: Int
    ) {
        var result: (good: [OutgoingPacket], late: Int, foreign: Int) = ([], 0, 0)
        for packet in packets {
            if packet.body[0] != Geometry.suite1.suite || !isKnown(packet.first) {
                result.foreign += 1
            } else if packet.deadline <= now {
                result.late += 1
            } else {
                // A clock that is ahead, or a made-up date, must not keep it here for longer than our own packets.
                result.good.append(
                    OutgoingPacket(
                        body: packet.body, first: packet.first, made: min(packet.made, now),
                        deadline: min(packet.deadline, now + longest)))
            }
        }
        return result
    }
}
