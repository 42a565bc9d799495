// What systemd is told about this process (sd_notify(3)): a datagram to the socket named in NOTIFY_SOCKET.

internal import Glibc

/// The service manager's ear; silent when there is none.
public struct Notify: Hashable, Sendable {
    /// A state that the manager knows.
    public enum State: Hashable, Sendable {
        /// Start-up, or a reload, is complete.
        case ready
        /// The configuration is being read again; followed by `ready`.
        case reloading
        case stopping
        /// A line that `systemctl status` shows.
        case status(String)
    }

    /// The socket's path, `@` first if it is an abstract one; nil tells nobody.
    public let socket: String?

    public init(socket: String?) { self.socket = socket }

    /// From the environment.
    public static var fromEnvironment: Notify {
        Notify(socket: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// Tells the manager; whether it was told. A manager that does not listen is no reason to stop.
    @discardableResult
    public func tell(_ state: State) -> Bool {
        guard let socket, var address = Self.address(socket) else { return false }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let bytes = Array(Self.text(state).utf8)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + socket.utf8.count + (socket.hasPrefix("@") ? 0 : 1))
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return sent == bytes.count
    }

    private static func text(_ state: State) -> String {
        switch state {
        case .ready: return "READY=1\n"
        case .stopping: return "STOPPING=1\n"
        case .status(let line): return "STATUS=\(line.filter { !$0.isNewline })\n"
        case .reloading:
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return "RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)\n"
        }
    }

    private static func address(_ path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/") || bytes.first == UInt8(ascii: "@"),
            bytes.count < MemoryLayout.size(ofValue: address.sun_path)
        else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }
}
