// The client's half of SOCKS5 (RFC 1928) with user and password (RFC 1929), up to the established connection. Pure: bytes in,
// bytes out. The host goes to the proxy as it is, as a name if it is one.

internal import NIOCore

/// One handshake.
struct SOCKSHandshake {
    enum Failure: Error, Hashable {
        /// The proxy does not take this user and password, or wants some when there are none.
        case credentials
        /// The proxy could not connect; RFC 1928's number.
        case refused(UInt8)
        /// This is not SOCKS5.
        case malformed
    }

    enum Step: Hashable {
        case send([UInt8])
        case wait
        /// Connected. What came after the handshake's last byte belongs to the connection.
        case established([UInt8])
    }

    private enum Stage { case greeting, credentials, connecting, done }

    private var stage = Stage.greeting
    private var buffer: [UInt8] = []
    private let credentials: (user: [UInt8], password: [UInt8])?
    private let target: [UInt8]

    /// Nil if host, user or password is too long for the protocol, or the port is none.
    init?(host: String, port: Int, credentials: (user: String, password: String)?) {
        guard let port = UInt16(exactly: port), (1...255).contains(host.utf8.count) else { return nil }
        if let credentials {
            guard (1...255).contains(credentials.user.utf8.count), credentials.password.utf8.count <= 255 else {
                return nil
            }
            self.credentials = (Array(credentials.user.utf8), Array(credentials.password.utf8))
        } else {
            self.credentials = nil
        }
        target = Self.address(host) + [UInt8(port >> 8), UInt8(port & 0xFF)]
    }

    /// The first bytes to send.
    var greeting: [UInt8] { credentials == nil ? [5, 1, 0] : [5, 2, 0, 2] }

    /// Takes what the proxy sent.
    mutating func receive(_ bytes: [UInt8]) throws(Failure) -> Step {
        buffer += bytes
        switch stage {
        case .greeting:
            guard buffer.count >= 2 else { return .wait }
            guard buffer[0] == 5, buffer.count == 2 else { throw .malformed }
            switch (buffer[1], credentials) {
            case (0, _): return connect()
            case (2, let credentials?):
                buffer = []
                stage = .credentials
                let (user, password) = credentials
                return .send([1, UInt8(user.count)] + user + [UInt8(password.count)] + password)
            case (0xFF, _): throw .credentials
            default: throw .malformed
            }
        case .credentials:
            guard buffer.count >= 2 else { return .wait }
            guard buffer[0] == 1, buffer.count == 2 else { throw .malformed }
            guard buffer[1] == 0 else { throw .credentials }
            return connect()
        case .connecting:
            guard buffer.count >= 5 else { return .wait }
            guard buffer[0] == 5 else { throw .malformed }
            guard buffer[1] == 0 else { throw .refused(buffer[1]) }
            let length: Int
            switch buffer[3] {
            case 1: length = 4 + 4 + 2
            case 3: length = 4 + 1 + Int(buffer[4]) + 2
            case 4: length = 4 + 16 + 2
            default: throw .malformed
            }
            guard buffer.count >= length else { return .wait }
            stage = .done
            return .established(Array(buffer[length...]))
        case .done: return .wait
        }
    }

    private mutating func connect() -> Step {
        buffer = []
        stage = .connecting
        return .send([5, 1, 0] + target)
    }

    /// The type of address and the address: only what is one already is sent as one.
    private static func address(_ host: String) -> [UInt8] {
        let parsed = try? SocketAddress(ipAddress: host, port: 0)
        let raw = parsed?.withSockAddr { pointer, count in
            Array(UnsafeRawBufferPointer(start: pointer, count: count))
        }
        switch parsed {
        // sockaddr_in: family 2, port 2, address 4; sockaddr_in6: family 2, port 2, flow 4, address 16.
        case .v4: if let raw, raw.count >= 8 { return [1] + raw[4..<8] }
        case .v6: if let raw, raw.count >= 24 { return [4] + raw[8..<24] }
        default: break
        }
        return [3, UInt8(host.utf8.count)] + host.utf8
    }
}

extension SOCKSHandshake.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .credentials: "it does not take the user and password"
        case .refused(2): "its rules do not allow it"
        case .refused(3), .refused(4): "it cannot reach or resolve the host"
        case .refused(5): "the host refused the connection"
        case .refused(let code): "it failed with code \(code)"
        case .malformed: "it does not speak SOCKS5"
        }
    }
}
