// A peer that sends, and reads nothing or only how an answer begins.

import Glibc
import NIOCore

/// A blocking socket; closed with the value.
final class SilentReader {
    struct Failure: Error {}

    private var descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let descriptor = descriptor
        let code = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr { address, length in
            connect(descriptor, address, socklen_t(length))
        }
        guard code == 0 else { throw Failure() }
    }

    deinit { close() }

    /// Sends what the socket's buffer holds of `bytes`.
    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    func send(_ text: String) { send(Array(text.utf8)) }

    /// The first bytes of what comes, in a few seconds: the one thing that it may read.
    func receive(_ count: Int) -> String {
        var time = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var bytes = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &bytes, count, Int32(MSG_WAITALL))
        return String(decoding: bytes.prefix(max(0, got)), as: UTF8.self)
    }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}
