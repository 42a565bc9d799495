// Batching made visible: an entry client, a fixed cascade of three nodes that flush when five packets are in, five
// receivers, ten messages. PyMix's demonstration, with a verdict.

internal import Directory
internal import Foundation
internal import MMTP
internal import Messages
internal import NIOPosix
internal import Sphinx
internal import WireFormat

/// What a cascade did.
public struct CascadeResult: Sendable {
    /// The story, a line each.
    public let lines: [String]
    /// Whether every message arrived once, at its receiver, in the batch that it was sent in.
    public let isGood: Bool
}

/// Runs the demonstration.
public enum Cascade {
    static let nodes = 3
    static let batch = 5
    static let receivers = 5
    static let messages = 10
    /// Real seconds until everything must have arrived.
    static let patience = 60.0

    /// Starts the cascade in `directory`, sends, waits, stops it.
    public static func run(directory: String, program: String) async throws -> CascadeResult {
        var plan = LabPlan()
        plan.nodes = nodes
        plan.exits = 1
        plan.strategy = "threshold count=\(batch) bound=30m"
        plan.loopsPerMinute = 0
        plan.localNames = (1...receivers).map { "receiver\($0)" }
        var lab = try Lab.start(plan, directory: directory, program: program)
        defer { lab.stop() }
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let network = try lab.network()
        let path = lab.nodes.compactMap { network.node(named: $0.name) }
        let exit = lab.nodes[nodes - 1].name

        var generator = SystemRandomNumberGenerator()
        var packets: [[UInt8]] = []
        var sent: [Int: String] = [:]
        for number in 1...messages {
            let receiver = "receiver\(Int.random(in: 1...receivers, using: &generator))"
            sent[number] = receiver
            let mail = try OutgoingMail(
                Array("message \(number)\r\n".utf8), options: OutgoingMail.Options(subject: "message \(number)"))
            let encoded = try MessageEncoder.encode(
                mail.envelope(to: [Address("mbox:\(receiver)@\(exit)")]), body: mail.body)
            let selector = PathSelector(network: network, at: now)
            let hops = try selector.hops(path, delays: path.map { _ in 0 }, at: now)
            for part in try MessageEncoder.parts(of: encoded, using: &generator).joined() {
                packets.append(
                    try PacketBuilder().build(
                        content: PayloadContent.part(part).encoded(), path: hops, using: &generator))
            }
        }
        let dialer = try MMTPDialer(
            group: MultiThreadedEventLoopGroup.singleton,
            clock: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) })
        let connection = try await dialer.connect(
            to: path[0].id, at: [LinkAddress(host: "127.0.0.1", port: lab.nodes[0].port)])
        // A batch is sent when the one before has arrived: a node flushes whatever is in when five are, so packets that come
        // faster than it flushes would make larger batches.
        var arrived: [Arrival] = []
        for start in stride(from: 0, to: packets.count, by: batch) {
            for packet in packets[start..<min(start + batch, packets.count)] {
                guard await connection.send([packet]) == [.received] else {
                    throw LabError("the first node did not take a packet")
                }
            }
            arrived = try await arrivals(lab, exit: exit, count: start + batch)
        }
        connection.close()
        return judge(sent: sent, arrived: arrived)
    }

    private struct Arrival {
        let number: Int
        let receiver: String
        let time: Double
    }

    private static func arrivals(_ lab: Lab, exit: String, count: Int) async throws -> [Arrival] {
        let end = Date().addingTimeInterval(patience)
        while true {
            var found: [Arrival] = []
            for index in 1...receivers {
                let receiver = "receiver\(index)"
                let directory = "\(lab.maildir(exit, user: receiver))/new"
                for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
                    let path = "\(directory)/\(name)"
                    guard
                        let text = FileManager.default.contents(atPath: path).map({
                            String(decoding: $0, as: UTF8.self)
                        }),
                        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Subject: message ") }),
                        let number = Int(line.dropFirst(17)),
                        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
                    else { continue }
                    found.append(Arrival(number: number, receiver: receiver, time: date.timeIntervalSince1970))
                }
            }
            if found.count >= count || Date() > end { return found.sorted { $0.time < $1.time } }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func judge(sent: [Int: String], arrived: [Arrival]) -> CascadeResult {
        var lines = ["\(messages) messages through \(nodes) nodes that flush at \(batch), to \(receivers) receivers"]
        lines.append(
            "in : "
                + sent.keys.sorted().map { "\($0)>\(sent[$0] ?? "")".replacingOccurrences(of: "receiver", with: "r") }
                .joined(separator: " "))
        lines.append(
            "out: "
                + arrived.map { "\($0.number)>\($0.receiver)".replacingOccurrences(of: "receiver", with: "r") }.joined(
                    separator: " "))
        let allOnce = arrived.map(\.number).sorted() == sent.keys.sorted()
        let rightReceivers = arrived.allSatisfy { sent[$0.number] == $0.receiver }
        let inBatches =
            allOnce
            && stride(from: 0, to: messages, by: batch).allSatisfy { start in
                Set(arrived[start..<start + batch].map(\.number)) == Set((start + 1)...(start + batch))
            }
        let inversions = arrived.indices.reduce(0) { count, i in
            count + arrived[(i + 1)...].count { $0.number < arrived[i].number }
        }
        lines.append(
            "arrived once each: \(allOnce ? "yes" : "NO"); at their receivers: \(rightReceivers ? "yes" : "NO"); batch by batch: \(inBatches ? "yes" : "NO")"
        )
        lines.append(
            "pairs out of order: \(inversions) of \(batch * (batch - 1) / 2 * (messages / batch)) that a batch can turn around"
        )
        return CascadeResult(lines: lines, isGood: allOnce && rightReceivers && inBatches)
    }
}
