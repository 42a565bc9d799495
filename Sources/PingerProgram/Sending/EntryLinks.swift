// Handing packets to entries: connections that are kept open for a while, as clients keep theirs, few at a time.

internal import Directory
internal import MMTP
internal import Synchronization
internal import WireFormat

/// What became of a packet at its entry.
enum Handover: Hashable, Sendable {
    /// The entry has acknowledged it.
    case taken
    /// The entry does not take it.
    case refused(RejectReason)
    /// The entry was not reached.
    case unreachable(DialFailure)
    /// The entry may or may not have it.
    case unclear
}

/// Connections to entries.
actor EntryLinks {
    private struct Link {
        let connection: MMTPConnection
        var used: ContinuousClock.Instant
    }
    private let dialer: MMTPDialer
    /// How long connecting and the handshake may take together, real time.
    private let patience: Duration
    /// Told of every connection that was tried, and of every answer.
    private let contact: @Sendable (_ node: NodeID, _ worked: Bool) -> Void
    private var links: [NodeID: Link] = [:]
    private var isClosed = false

    /// Connections that are open at a time.
    static let limit = 16
    /// A connection that was not used for so long is closed; nodes close theirs after five minutes.
    static let idle = Duration.seconds(60)

    init(dialer: MMTPDialer, patience: Duration, contact: @escaping @Sendable (_ node: NodeID, _ worked: Bool) -> Void)
    {
        self.dialer = dialer
        self.patience = patience
        self.contact = contact
    }

    /// Gives a packet of 32,768 bytes to a node.
    func send(_ packet: [UInt8], to node: Descriptor) async -> Handover {
        // An open connection may just be ending: then a new one is tried, with the same packet, which is taken once.
        if let link = links[node.id], !link.connection.isExhausted {
            links[node.id]?.used = .now
            let outcome = await handover(packet, link.connection, node.id)
            if outcome != .unclear { return outcome }
            forget(link.connection, of: node.id)
        }
        let connection: MMTPConnection
        do throws(DialFailure) { connection = try await open(node) } catch {
            // Who stops asking has not been refused.
            if !Task.isCancelled, !isClosed { contact(node.id, false) }
            return .unreachable(error)
        }
        contact(node.id, true)
        keep(connection, of: node.id)
        return await handover(packet, connection, node.id)
    }

    private func handover(_ packet: [UInt8], _ connection: MMTPConnection, _ node: NodeID) async -> Handover {
        switch await connection.send([packet]).first {
        case .received:
            contact(node, true)
            return .taken
        case .rejected(let reason):
            contact(node, true)
            return .refused(reason)
        case .notAcknowledged, nil: return .unclear
        }
    }

    private func open(_ node: Descriptor) async throws(DialFailure) -> MMTPConnection {
        guard let result = await dialer.connect(to: node, within: patience) else { throw .silence }
        return try result.get()
    }

    private func keep(_ connection: MMTPConnection, of node: NodeID) {
        guard !isClosed else { return connection.close() }
        // Another packet may have opened one meanwhile; that one ends when its answers are there.
        links[node]?.connection.finish()
        links[node] = Link(connection: connection, used: .now)
        tidy()
    }

    private func forget(_ connection: MMTPConnection, of node: NodeID) {
        connection.close()
        if links[node]?.connection === connection { links[node] = nil }
    }

    /// Closes connections that are idle, and the one that was used least lately if there are too many.
    private func tidy() {
        let now = ContinuousClock.now
        for (node, link) in links where now - link.used > Self.idle {
            link.connection.finish()
            links[node] = nil
        }
        while links.count > Self.limit, let oldest = links.min(by: { $0.value.used < $1.value.used }) {
            oldest.value.connection.finish()
            links[oldest.key] = nil
        }
    }

    /// Ends everything; packets without an answer come back as unclear.
    func close() {
        isClosed = true
        for link in links.values { link.connection.close() }
        links = [:]
    }
}
