// How the queue stands, in words and as JSON. Pure.

internal import Directory
internal import MMTP
internal import Mixing
internal import Spool
internal import WireFormat

/// The packets that wait for one node.
struct QueueLine: Equatable, Encodable, Sendable {
    /// The node's nickname, or the beginning of its id if the network does not list it.
    var node: String
    var id: String
    var packets: Int
    /// When the first of them is given up.
    var oldestDeadline: String
}

/// Texts about what waits.
struct QueueReport {
    let network: Network

    /// One line for each node, those with the nearest deadline first.
    func lines(_ packets: [WaitingPacket]) -> [QueueLine] {
        Dictionary(grouping: packets, by: \.destination).map { node, packets in
            (node, packets.count, packets.map(\.deadline).min() ?? Timestamp(milliseconds: 0))
        }.sorted { ($0.2, $0.0) < ($1.2, $1.0) }.map { node, count, deadline in
            QueueLine(node: name(node), id: node.hex, packets: count, oldestDeadline: deadline.description)
        }
    }

    /// The node's nickname, or the beginning of its id.
    func name(_ node: NodeID) -> String {
        network.node(node)?.fields.nickname.text ?? "node \(node.hex.prefix(8))"
    }

    /// `alpha does not answer and bravo is busy`, of the nodes that some of `packets` go to.
    func reasons(_ left: [DestinationStatus], for packets: [WaitingPacket]) -> String {
        let nodes = Set(packets.map(\.destination))
        return reasons(left.filter { nodes.contains($0.destination) })
    }

    /// `alpha does not answer and bravo is busy`.
    func reasons(_ left: [DestinationStatus]) -> String {
        let shown = left.sorted { ($1.queued, $0.destination) < ($0.queued, $1.destination) }.prefix(3)
        var texts = shown.map { reason($0) }
        switch left.count - shown.count {
        case 0: break
        case 1: texts.append("one other node does not take its packets")
        case let more: texts.append("\(more) other nodes do not take theirs")
        }
        guard let last = texts.popLast() else { return "time ran out" }
        return texts.isEmpty ? last : texts.joined(separator: ", ") + " and " + last
    }

    private func reason(_ status: DestinationStatus) -> String {
        let name = name(status.destination)
        guard network.node(status.destination) != nil else { return "\(name) is not in the network file any more" }
        switch status.lastFailure {
        case .unresolvable: return "the host name of \(name) does not resolve"
        case .unreachable, .timeout: return "\(name) does not answer"
        case .handshake: return "the handshake with \(name) fails"
        case .wrongIdentity: return "another node answers at the address of \(name)"
        case .violation: return "\(name) does not keep to the protocol"
        case .closed: return "\(name) closed the connection"
        case .postponed: return "\(name) is busy"
        case nil: return "\(name) has not taken them in time"
        }
    }

    /// Failures of connections that the reason alone does not explain, each with what to do.
    static func hints(_ failures: [DialFailure]) -> [String] {
        failures.compactMap { failure in
            switch failure {
            case .certificateDates, .wrongIdentity, .handshakeFailed, .wrongProtocol, .certificateInvalid,
                .unresolvable:
                failure.description
            default: nil
            }
        }
    }

    /// What became of packets that were given up.
    static func losses(_ dropped: [DropReason: Int]) -> [String] {
        dropped.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, count in
            let packets = Count.text(count, "packet")
            switch reason {
            case .deadline:
                return "\(packets) could not be handed over in time and were given up; send those mails again"
            case .periodRefused:
                return "\(packets) were refused because the first node has no key of their period any more; "
                    + "check this machine's clock, get a newer network file and send those mails again"
            case .refusedByNextHop:
                return
                    "\(packets) were refused by the first node as malformed; check that program and network are up to date"
            case .storage: return "\(packets) were damaged on disk and are lost; send those mails again"
            default: return "\(packets) were given up (\(reason.rawValue))"
            }
        }
    }

    /// What damage to the queue means for its owner; nil if there was none.
    static func damage(_ damage: SpoolDamage) -> String? {
        guard !damage.isEmpty else { return nil }
        let aside =
            damage.setAside.isEmpty
            ? "" : "; what is left of it was set aside as \(damage.setAside.joined(separator: ", "))"
        return "the queue was damaged: at most \(Count.text(damage.packets, "packet")) that waited are lost\(aside); "
            + "send mails again that had not left"
    }
}
