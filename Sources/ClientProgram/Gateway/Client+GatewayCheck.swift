// What `nightjar check-config` looks at for the gateway: whether it could start now.

internal import Daemon
internal import Exits
private import Glibc

extension Client {
    /// What would keep `nightjar gateway` from working; nothing where none is wanted.
    func gatewayProblems() -> [String] {
        let files = GatewayFiles(places)
        guard files.isThere || config.gateway != GatewaySettings() else { return [] }
        var problems: [String] = []
        if !files.isThere { problems.append("[gateway]: it has no password yet; run: nightjar gateway init") }
        if let maildir = config.gateway.maildir, let problem = Self.problem(ofMaildir: maildir) {
            problems.append("[gateway] maildir: \(problem)")
        }
        // The one that runs has the ports.
        guard !files.isRunning else { return problems }
        for (key, addresses) in [("listen", config.gateway.listen), ("listen-tls", config.gateway.listenTLS)] {
            let found = addresses.compactMap { LoopbackAddress($0) }
            for address in found where address.port != 0 {
                let code = Self.bindError(address)
                // As when it starts: a machine without IPv6 does with the other address.
                let isWithoutIPv6 = code == EADDRNOTAVAIL || code == EAFNOSUPPORT
                guard code != 0, !(isWithoutIPv6 && address.host == "::1" && found.count > 1) else { continue }
                problems.append(
                    "[gateway] \(key): cannot listen at \(address): \(SystemError(number: code).reason); stop what has "
                        + "the port, or set another")
            }
        }
        return problems
    }

    /// Nil for a Maildir that is ours, or could be made.
    private static func problem(ofMaildir path: String) -> String? {
        if ClientPlaces.isThere(path) {
            do throws(CommandFailure) {
                // As when the gateway starts.
                _ = try PrivateDirectory(path, creating: false)
                return nil
            } catch {
                return error.message
            }
        }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        let directory = parent.isEmpty ? "/" : parent
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return "there is no directory \(directory) that you can read; make it first" }
        close(descriptor)
        return access(directory, W_OK | X_OK) == 0
            ? nil : "\(directory) is not yours to write in; name a place in a directory of yours"
    }

    /// `errno` of listening at an address; 0 if that is possible.
    private static func bindError(_ address: LoopbackAddress) -> Int32 {
        let isSix = address.host == "::1"
        let descriptor = socket(isSix ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var result: Int32
        if isSix {
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            place.sin6_port = UInt16(address.port).bigEndian
            place.sin6_addr = in6addr_loopback
            result = bound(descriptor, &place)
        } else {
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = UInt16(address.port).bigEndian
            place.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            result = bound(descriptor, &place)
        }
        // Two may be bound with SO_REUSEADDR; only one listens.
        if result == 0 { result = listen(descriptor, 1) }
        return result == 0 ? 0 : errno
    }

    private static func bound<Place>(_ descriptor: Int32, _ place: inout Place) -> Int32 {
        withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<Place>.size))
            }
        }
    }
}
