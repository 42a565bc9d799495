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
        /// On this machine: each connection is a peer of its own.
        case local(UInt64)
    }

    /// Requests that share bounds.
    enum Kind: CaseIterable, Hashable { case slotDocuments, evidence, descriptors, reports, optOuts, answers }

    /// Something that a request holds in memory.
    struct Hold: Hashable {
        let kind: Kind
        fileprivate let piece: ByteBudget<Seat>.Piece
    }

    private struct Holder {
        let seat: Seat
        /// Ends the connection.
        let cut: @Sendable () -> Void
    }

    private struct State {
        var peers: PeerLimits
        var connections = 0
        var lastLocal: UInt64 = 0
        var underWay: [Kind: Int] = [:]
        var budgets: [Kind: ByteBudget<Seat>]
        var holders: [Hold: Holder] = [:]
        /// Bodies that a block is sending.
        var posts: [Seat: Int] = [:]
    }

    private let limits: DirectoryServerLimits
    private let state: Mutex<State>
    private let now: @Sendable () -> Timestamp

    init(_ limits: DirectoryServerLimits, now: @escaping @Sendable () -> Timestamp) {
        self.limits = limits
        self.now = now
        let budgets = Kind.allCases.map { ($0, ByteBudget<Seat>(most: limits[$0].bytes)) }
        state = Mutex(
            State(
                peers: PeerLimits(limits.peers), budgets: Dictionary(budgets, uniquingKeysWith: { first, _ in first })))
    }

    /// Connections that are open.
    var connections: Int { state.withLock { $0.connections } }

    /// Lets a connection in, or not.
    func enter(from address: SocketAddress?) -> Seat? {
        let place = PeerPlace(address)
        let now = now()
        return state.withLock { state in
            guard state.connections < limits.peers.globalConnections else { return nil }
            state.lastLocal += 1
            var seat = Seat.local(state.lastLocal)
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

    /// Counts an answer or a body of that many bytes against the peer's further requests.
    func charge(_ seat: Seat, bytes: Int) {
        guard case .peer(let peer) = seat else { return }
        let now = now()
        state.withLock { state in
            for _ in 0..<(bytes / DirectoryServerLimits.bytesPerFrame) {
                guard state.peers.takeFrame(peer, at: now) else { return }
            }
        }
    }

    /// Whether one more request of that kind may be worked on now; if so, `finish` must follow.
    func begin(_ kind: Kind) -> Bool {
        state.withLock { state in
            guard state.underWay[kind, default: 0] < limits[kind].atOnce else { return false }
            state.underWay[kind, default: 0] += 1
            return true
        }
    }

    func finish(_ kind: Kind) { state.withLock { $0.underWay[kind, default: 0] -= 1 } }

    /// Opens what a request of that kind will hold in memory; nil if the peer's network has too many under way. `cut` is
    /// called if others need the room. `release`
    /// must follow.
    func hold(_ kind: Kind, _ seat: Seat, cut: @escaping @Sendable () -> Void) -> Hold? {
        state.withLock { state in
            if kind != .answers, case .peer = seat {
                guard state.posts[seat, default: 0] < limits.postsOfBlock else { return nil }
                state.posts[seat, default: 0] += 1
            }
            guard let piece = state.budgets[kind]?.open(seat) else { return nil }
            let hold = Hold(kind: kind, piece: piece)
            state.holders[hold] = Holder(seat: seat, cut: cut)
            return hold
        }
    }

    /// Counts bytes that came into memory, or will; false if there is no room for them. Ends connections of those who hold
    /// more, if that makes room.
    func add(_ bytes: Int, to hold: Hold) -> Bool {
        let (isTaken, cut) = state.withLock { state -> (Bool, [Holder]) in
            guard let seat = state.holders[hold]?.seat else { return (false, []) }
            var most = Int.max
            if case .peer = seat { most = limits.bytesOfBlock }
            let outcome = state.budgets[hold.kind]?.add(bytes, to: hold.piece, mostOfHolder: most)
            let cut = outcome?.cut.compactMap { state.holders[Hold(kind: hold.kind, piece: $0)] }
            return (outcome?.isTaken ?? false, cut ?? [])
        }
        for holder in cut { holder.cut() }
        return isTaken
    }

    func release(_ hold: Hold) {
        state.withLock { state in
            state.budgets[hold.kind]?.close(hold.piece)
            guard let seat = state.holders.removeValue(forKey: hold)?.seat, hold.kind != .answers, case .peer = seat
            else { return }
            let left = state.posts[seat, default: 0] - 1
            state.posts[seat] = left > 0 ? left : nil
        }
    }

    /// Bytes that requests of that kind hold.
    func bytes(_ kind: Kind) -> Int { state.withLock { $0.budgets[kind]?.bytes ?? 0 } }
}

extension DirectoryServerLimits {
    fileprivate subscript(_ kind: ServerDoor.Kind) -> Share {
        switch kind {
        case .slotDocuments: slotDocuments
        case .evidence: evidence
        case .descriptors: descriptors
        case .reports: reports
        case .optOuts: optOuts
        case .answers: answers
        }
    }
}

extension DirectoryUpload {
    /// Where its bytes count.
    var doorKind: ServerDoor.Kind {
        switch self {
        case .vote, .proposal, .signature: .slotDocuments
        case .evidence: .evidence
        case .descriptor: .descriptors
        case .report: .reports
        case .optOuts: .optOuts
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
