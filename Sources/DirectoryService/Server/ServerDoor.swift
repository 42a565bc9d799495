// Who may come in, and how much may go on at one time: the shell around `PeerLimits`, shared by all connections of a server.

internal import MMTP
internal import NIOCore
internal import Synchronization
internal import WireFormat

/// The counts of one server.
final class ServerDoor: Sendable {
    /// A place that a connection holds until `leave`.
    enum Seat: Hashable {
        case peer(PeerLimits.Seat)
        /// On this machine.
        case local
    }

    private struct State {
        var peers: PeerLimits
        var connections = 0
        var requests = 0
        var postedBytes = 0
    }

    private let limits: DirectoryServerLimits
    private let state: Mutex<State>
    private let now: @Sendable () -> Timestamp

    init(_ limits: DirectoryServerLimits, now: @escaping @Sendable () -> Timestamp) {
        self.limits = limits
        self.now = now
        state = Mutex(State(peers: PeerLimits(limits.peers)))
    }

    /// Connections that are open.
    var connections: Int { state.withLock { $0.connections } }

    /// Lets a connection in, or not.
    func enter(from address: SocketAddress?) -> Seat? {
        let place = PeerPlace(address)
        let now = now()
        return state.withLock { state in
            guard state.connections < limits.peers.globalConnections else { return nil }
            var seat = Seat.local
            if case .block(let block) = place {
                guard case .success(let peer) = state.peers.connect(from: block, at: now) else { return nil }
                seat = .peer(peer)
            }
            state.connections += 1
            return seat
        }
    }

    func leave(_ seat: Seat) {
        let now = now()
        state.withLock { state in
            state.connections -= 1
            if case .peer(let peer) = seat { state.peers.disconnect(peer, at: now) }
        }
    }

    /// Whether the peer may send one more request now.
    func takeRequest(_ seat: Seat) -> Bool {
        guard case .peer(let peer) = seat else { return true }
        let now = now()
        return state.withLock { $0.peers.takeFrame(peer, at: now) }
    }

    /// Counts an answer of that many bytes against the peer's further requests.
    func charge(_ seat: Seat, bytes: Int) {
        guard case .peer(let peer) = seat else { return }
        let now = now()
        state.withLock { state in
            for _ in 0..<(bytes / DirectoryServerLimits.bytesPerFrame) {
                guard state.peers.takeFrame(peer, at: now) else { return }
            }
        }
    }

    /// Begins to work on a request with a body of at most `bytes` bytes; false if too much is under way.
    func begin(bytes: Int) -> Bool {
        state.withLock { state in
            guard state.requests < limits.requestsAtOnce, state.postedBytes + bytes <= limits.postedBytes else {
                return false
            }
            state.requests += 1
            state.postedBytes += bytes
            return true
        }
    }

    func end(bytes: Int) {
        state.withLock { state in
            state.requests -= 1
            state.postedBytes -= bytes
        }
    }
}

/// Where a connection comes from, as far as limits are concerned.
enum PeerPlace: Hashable {
    case loopback
    case block(AddressBlock)

    init(_ address: SocketAddress?) {
        let raw =
            address?.withSockAddr { pointer, count in Array(UnsafeRawBufferPointer(start: pointer, count: count)) }
            ?? []
        switch address {
        // sockaddr_in: family 2, port 2, address 4.
        case .v4 where raw.count >= 8:
            self = raw[4] == 127 ? .loopback : .block(AddressBlock(ipv4: raw[4], raw[5], raw[6]))
        // sockaddr_in6: family 2, port 2, flow 4, address 16.
        case .v6 where raw.count >= 24:
            let bytes = raw[8..<24]
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127]
            let isLoopback = Array(bytes) == Array(repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
            self = isLoopback ? .loopback : AddressBlock(ipv6: bytes).map(PeerPlace.block) ?? .unknown
        default: self = .unknown
        }
    }

    /// All sockets that are not of the Internet share one block.
    private static var unknown: PeerPlace { .block(AddressBlock(ipv4: 0, 0, 0)) }
}
