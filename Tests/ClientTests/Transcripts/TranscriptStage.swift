// What a session needs besides the program, and names for what differs from run to run.

import ClientProgram
import Daemon
import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import TestSupport
import WireFormat

/// The surroundings of one session.
///
///     % network [NAME]     writes NAME.network, .consensus, .descriptors (testing): six nodes that nobody can reach;
///                          echo and foxtrot deliver mail, delta has mailboxes
///     % joined             the same, installed
///     % measured           the same, with measurements: bravo slow, charlie unreliable, foxtrot unmeasured, two links
///                          broken
///     % nodes              the nodes listen and take packets
///     % node NAME          this one alone listens
///     % deliver            what the nodes took goes on to its end; answers come into mailboxes at delta
///     % config TEXT        a line of client.toml
final class TranscriptStage {
    struct Unknown: Error { let words: [String] }

    let user: User
    private var networks: [TestNetwork] = []
    private var config = ""
    private var mailboxes: [String: StageMailboxes] = [:]
    /// Packets of each node that have gone on already.
    private var delivered: [NodeID: Int] = [:]

    init() throws { user = try User() }

    func set(_ words: [String]) async throws {
        switch words.first {
        case "network": _ = try add(words.dropFirst().first ?? "testing")
        case "joined": try await user.join(try add("testing"))
        case "measured": try await user.join(try add("testing", isMeasured: true))
        case "nodes": for network in networks { try await network.start() }
        case "deliver": for network in networks { try deliver(network) }
        case "node": for network in networks { try await network[words.dropFirst().joined()].start() }
        case "config":
            config += words.dropFirst().joined(separator: " ") + "\n"
            try user.configure(config)
        default: throw Unknown(words: words)
        }
    }

    private func add(_ name: String, isMeasured: Bool = false) throws -> TestNetwork {
        let network = try TestNetwork { plan in
            plan.name = name
            if isMeasured {
                plan.standing = Self.measure
                plan.brokenLinks = [("echo", "alpha"), ("alpha", "bravo")]
            }
            plan.change = { fields in
                guard fields.nickname.text == "delta" else { return }
                fields.capabilities.append(Capability(Capability.Name.mailbox))
            }
        }
        networks.append(network)
        let delta = network["delta"]
        let boxes = StageMailboxes(node: delta.id)
        delta.answersBlocks(boxes)
        mailboxes[name] = boxes
        try user.files(of: network)
        return network
    }

    private static func measure(_ node: inout ConsensusNode) {
        let measured: [String: (reliability: Int, latency: Interval?, weight: Int)] = [
            "alpha": (1000, .zero, 100), "bravo": (983, .minutes(35), 55), "charlie": (704, .hours(3), 4),
            "delta": (990, nil, 100), "echo": (800, .seconds(20), 62),
        ]
        guard let found = measured[node.nickname.text] else { return }
        node.flags.remove(.unmeasured)
        (node.reliability, node.latency, node.weight) = found
        if node.nickname.text == "charlie" { node.flags.insert(.unreliable) }
    }

    private func deliver(_ network: TestNetwork) throws {
        for node in network.nodes {
            for packet in node.taken.dropFirst(delivered[node.id] ?? 0) {
                delivered[node.id, default: 0] += 1
                guard let journey = try? network.followAnswer(packet, from: node) else { continue }
                mailboxes[network.file.name]?.put(
                    try ReplyRecord(
                        surb: journey.info.id, sealedKeys: journey.info.sealedKeys, payload: journey.payload),
                    for: try ReplyTarget(journey.info.address).address)
            }
        }
    }

    func end() async { for network in networks { await network.stop() } }

    /// Runs a line; what differs from run to run is replaced.
    func run(_ line: String) async throws -> Transcript {
        var transcript = try await user.shell(line)
        transcript.output = named(transcript.output)
        transcript.messages = named(transcript.messages)
        return transcript
    }

    private func named(_ text: String) -> String {
        var text = text.replacing(ClientVersion.text, with: "<version>")
        for network in networks {
            text = text.replacing("\(network.file.height)", with: "<height>")
            text = text.replacing(network.file.root.digest.hex, with: "<fingerprint>")
            for node in network.nodes {
                text = text.replacing(node.id.hex, with: "<\(node.name)>")
                text = text.replacing("\(node.id.hex.prefix(16))", with: "<\(node.name), 16 digits>")
                text = text.replacing("127.0.0.1:\(node.port)", with: "<\(node.name)'s address>")
            }
        }
        text = text.replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z/#, with: "<time>")
        text = text.replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?( UTC)?/#, with: "<time>")
        text = text.replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2}/#, with: "<date>")
        text = text.replacing(
            #/[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}/#, with: "<time>")
        text = text.replacing(#/\b[0-9]+ (minutes?|hours|days) (old|ago)/#) { "<age> \($0.output.2)" }
        text = text.replacing(#/"ageSeconds" : [0-9]+/#, with: "\"ageSeconds\" : <seconds>")
        text = text.replacing(#/njk1-[0-9a-z-]{20,}/#, with: "<fingerprint>")
        text = text.replacing(#/\b[0-9a-f]{8,}\b/#.wordBoundaryKind(.simple)) { match in
            // Other numbers may be in digits alone.
            let isID = [8, 16, 32, 64].contains(match.output.count) || !match.output.allSatisfy(\.isNumber)
            return isID ? "<hex\(match.output.count)>" : String(match.output)
        }
        guard let period = KeyPeriodCalendar().period(at: ScaledClock.systemTime()) else { return text }
        let names = [(-1, "<last period>"), (0, "<this period>"), (1, "<next period>")]
        return text.replacing(#/\b[0-9]{4,5}\b/#.wordBoundaryKind(.simple)) { match in
            names.first { match.output == "\(Int(period.number) + $0.0)" }?.1 ?? String(match.output)
        }
    }
}
