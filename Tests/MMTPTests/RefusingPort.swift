import Glibc
import MMTP

/// A port of this machine that refuses connections for as long as the value lives: bound, so that nobody else gets it, and
/// not listening.
final class RefusingPort {
    let address: LinkAddress
    private let descriptor: Int32

    struct NoPort: Error {}

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = descriptor
        let isBound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, size) == 0 && getsockname(socket, generic, &size) == 0
            }
        }
        guard isBound else { throw NoPort() }
        address = LinkAddress(host: "127.0.0.1", port: Int(UInt16(bigEndian: name.sin_port)))
    }

    deinit { close(descriptor) }
}
