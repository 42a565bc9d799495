import Glibc
import TestSupport

/// The other side of an LMTP dialogue, on a real socket.
final class LMTPCaller {
    struct Failure: Error {}
    private let descriptor: Int32
    private var input: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
        }
        guard isConnected, try reply().hasPrefix("220") else { throw Failure() }
        _ = try say("LHLO test")
    }

    deinit { close(descriptor) }

    /// The last line of a reply.
    func reply() throws -> String {
        while true {
            while let end = input.firstIndex(of: 0x0A) {
                let line = String(decoding: input[..<end], as: UTF8.self).trimmingSuffix
                input.removeFirst(end + 1)
                if line.count < 4 || Array(line)[3] != "-" { return line }
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw Failure() }
            input += buffer[..<count]
        }
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure() }
            rest = rest.dropFirst(count)
        }
    }

    func say(_ line: String) throws -> String {
        try write(Array((line + "\r\n").utf8))
        return try reply()
    }

    /// Hands a mail over: the reply to RCPT if it is refused there, else the one to the content.
    func deliver(_ mail: [UInt8], to recipient: String, from sender: String = "bob@example.org") throws -> String {
        _ = try say("MAIL FROM:<\(sender)>")
        let answer = try say("RCPT TO:<\(recipient)>")
        guard answer.hasPrefix("250") else {
            _ = try say("RSET")
            return answer
        }
        guard try say("DATA").hasPrefix("354") else { throw Failure() }
        try write(mail + Array(".\r\n".utf8))
        return try reply()
    }
}

extension String {
    fileprivate var trimmingSuffix: String { hasSuffix("\r") ? String(dropLast()) : self }
}
