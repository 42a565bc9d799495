internal import Messages
internal import MixCrypto
internal import Sphinx

/// The packet that a crossover node makes of an injection: the reply block's header and the content under its payload key.
enum Reinjection {
    /// 32768 bytes; nil if the pieces do not make a packet.
    static func packet(_ injection: Injection, content: [UInt8]) -> [UInt8]? {
        let geometry = Geometry.suite1
        guard injection.header.count == geometry.headerSize, content.count == geometry.contentSize,
            injection.header[0] == geometry.suite, injection.header[1] == 0
        else { return nil }
        var packet = injection.header
        packet.reserveCapacity(geometry.packetSize)
        packet.append(contentsOf: repeatElement(0, count: geometry.keySize))
        packet.append(contentsOf: content)
        packet.withUnsafeMutableBytes { bytes in
            WideBlock(key: injection.payloadKey).encrypt(
                UnsafeMutableRawBufferPointer(rebasing: bytes[geometry.headerSize...]))
        }
        return packet
    }
}
