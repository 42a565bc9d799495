// Someone who sends: builds packets as a client does and keeps sending each until its first node has acknowledged it.

import Daemon
import Directory
import Foundation
import LabProgram
import MMTP
import Messages
import Mixing
import NIOCore
import NIOPosix
import Sphinx
import WireFormat

/// A packet and whom to give it to.
struct Shipment: Sendable {
    let first: NodeID
    let packet: [UInt8]
}

struct Correspondent: Sendable {
    let lab: RunningLab
    let network: Network
    let clock: ScaledClock
    let dialer: MMTPDialer
    private let ports: [NodeID: Int]

    init(_ lab: RunningLab) throws {
        self.lab = lab
        clock = ScaledClock(origin: lab.timeOrigin, scale: lab.timeScale)
        network = try lab.network()
        dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledClock.systemTime() })
        var ports: [NodeID: Int] = [:]
        for node in lab.nodes { if let id = NodeID(hex: node.id) { ports[id] = node.port } }
        self.ports = ports
    }

    func id(_ name: String) throws -> NodeID {
        guard let node = network.node(named: name) else { throw TimedOut(description: "no node \(name)") }
        return node.id
    }

    /// A mail's packets, in random order, every part by a path of its own.
    /// - Parameters:
    ///   - exit: name of the last node.
    ///   - path: names of all nodes in order, in place of random ones.
    ///   - delay: mean of every hop, network's time; nil for the network's own.
    func shipments(
        _ body: [UInt8], subject: String, to recipients: String..., exit: String, hops: Int = 5, path: [String]? = nil,
        delay: Interval? = nil, using generator: inout some RandomNumberGenerator
    ) throws -> [Shipment] {
        let mail = try OutgoingMail(body, options: OutgoingMail.Options(subject: subject))
        let encoded = try MessageEncoder.encode(
            mail.envelope(to: recipients.map { try Address($0) }), body: mail.body)
        let now = clock.now()
        let selector = PathSelector(network: network, at: now)
        let delays = DelaySampling(mean: delay ?? network.parameters.meanDelay, cap: network.parameters.delayCap)
        var shipments: [Shipment] = []
        for part in try MessageEncoder.parts(of: encoded, using: &generator).joined() {
            let nodes = try path.map { try $0.map { try selector.choose(PathSpecification($0), demands: PathDemands(), using: &generator)[0] } }
                ?? selector.choose(
                    PathSpecification("*\(hops)"), demands: PathDemands(fixedExit: try id(exit)), using: &generator)
            let hops = try selector.hops(nodes, delays: nodes.map { _ in delays.sample(using: &generator) }, at: now)
            let packet = try PacketBuilder().build(content: PayloadContent.part(part).encoded(), path: hops, using: &generator)
            shipments.append(Shipment(first: nodes[0].id, packet: packet))
        }
        return shipments.shuffled(using: &generator)
    }

    func connect(to node: NodeID, port: Int? = nil) async throws -> MMTPConnection {
        try await dialer.connect(to: node, at: [LinkAddress(host: "127.0.0.1", port: port ?? ports[node] ?? 0)])
    }

    /// Sends until everything is acknowledged; packets that were not are sent again, the same bytes.
    /// - Returns: how many times a packet had to be sent again.
    @discardableResult
    func send(_ shipments: [Shipment], seconds: Double = 120) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            for (node, group) in Dictionary(grouping: shipments, by: \.first) {
                tasks.addTask { try await deliver(group.map(\.packet), to: node, seconds: seconds) }
            }
            return try await tasks.reduce(0, +)
        }
    }

    private func deliver(_ packets: [[UInt8]], to node: NodeID, seconds: Double) async throws -> Int {
        var left = packets
        var again = 0
        let end = Date().addingTimeInterval(seconds)
        while !left.isEmpty {
            if let connection = try? await connect(to: node) {
                let batch = Array(left.prefix(LinkFrame.window))
                let outcomes = await connection.send(batch)
                connection.close()
                let refused = zip(batch, outcomes).filter { $0.1 != .received }.map(\.0)
                left = Array(left.dropFirst(batch.count)) + refused
                if refused.isEmpty { continue }
                again += refused.count
            } else {
                again += left.count
            }
            guard Date() < end else { throw TimedOut(description: "\(left.count) packets that a node does not take") }
            // The node is down or busy: it is asked again, not waited out.
            try await Task.sleep(for: .milliseconds(50))
        }
        return again
    }
}

/// Parts of a mail as it arrived.
struct ArrivedMail {
    let headers: [String: String]
    let body: String

    init(_ data: Data) {
        // Line ends are the mailbox's choice.
        let text = String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n")
        let end = text.range(of: "\n\n")
        body = end.map { String(text[$0.upperBound...]) } ?? ""
        var headers: [String: String] = [:]
        for line in text[..<(end?.lowerBound ?? text.endIndex)].split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), !line.hasPrefix(" ") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        self.headers = headers
    }

    var subject: String { headers["subject"] ?? "" }
    var messageID: String { headers["message-id"] ?? "" }
}
