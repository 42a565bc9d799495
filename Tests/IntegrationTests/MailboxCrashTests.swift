// A node with mailboxes that dies at every step of its storage, while answers and messages come in and are fetched.

import Daemon
import Directory
import Foundation
import LabProgram
import MMTP
import Messages
import MixCrypto
import Mixing
import Sphinx
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Mailboxes and crashes")
    struct MailboxCrashTests {
        /// The number is how often a point is passed, at most, before the node dies there.
        static let points: [(point: String, most: Int)] = [
            ("segment-written", 4), ("segment-flushed", 4), ("before-commit", 8), ("after-commit", 8),
            ("message-completing", 1), ("message-completed", 1), ("delivery-finished", 1),
        ]
        fileprivate static let victim = "bravo"

        /// Somebody who owns a mailbox at the node that dies.
        fileprivate struct Owner {
            let sender: Correspondent
            let node: NodeID
            let key: SigningKey
            let maker = SURBMaker(secret: SymmetricSecret.random())
            var seen: [UInt64: MailboxBlock] = [:]
            var acknowledged: [UInt64] = []

            init(_ sender: Correspondent) throws {
                self.sender = sender
                node = try sender.id(victim)
                key = try SigningKey.generate()
            }

            var address: String { "box:\(key.verificationKey.mailboxID.hex)@\(victim)" }

            func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
                var generator = SystemRandomNumberGenerator()
                let body = try MailboxRequest.signed(
                    operation, node: node, key: key, at: sender.clock.now(), using: &generator)
                let connection = try await sender.connect(to: node)
                defer { connection.close() }
                return try MailboxBlock(decoding: await connection.ask(.fetch, body: body).block)
            }

            /// One poll; whether there was mail. A block that comes again is the same block.
            mutating func poll() async throws -> Bool {
                let block = try await ask(.fetch(acknowledging: acknowledged))
                let id: UInt64
                switch block {
                case .reply(let number, _, _), .fragment(let number, _, _): id = number
                default: return false
                }
                if let before = seen[id] {
                    #expect(!acknowledged.contains(id), "what was acknowledged came again")
                    #expect(before.content == block.content)
                }
                seen[id] = block
                acknowledged = [id]
                return true
            }

            /// An answer that somebody sends through a reply block for the mailbox; its SURB's id.
            func answer(using generator: inout SeededRandom) throws -> (surb: SURBID, shipment: Shipment) {
                let now = sender.clock.now()
                let selector = PathSelector(network: sender.network, at: now)
                let nodes = ["alpha", victim].compactMap { sender.network.node(named: $0) }
                let hops = try selector.hops(nodes, delays: [0, 0], at: now)
                guard let expiry = selector.expiry(at: now) else { throw TimedOut(description: "no expiry") }
                let made = try maker.make(path: hops, address: address, expiry: expiry, using: &generator)
                let content = try PayloadContent.dummy(.random(using: &generator)).encoded()
                let packet = try made.surb.makePacket(content: content, at: now)
                return (made.id, Shipment(first: made.surb.first, packet: packet))
            }
        }

        @Test(
            "what is in a mailbox when its node dies is there once, and what was acknowledged stays gone",
            .timeLimit(.minutes(3)))
        func everyStep() async throws {
            var random = SeededRandom(name: "mailboxes, everyStep")
            var plan = LabPlan()
            plan.nodes = 2
            plan.exits = 0
            plan.mailboxNodes = 1
            plan.timeScale = 60
            plan.loopsPerMinute = 0
            let lab = try RunningLab(plan)
            let sender = try Correspondent(lab)
            var owner = try Owner(sender)
            let policy = MailboxPolicy(replyToken: .random(using: &random))
            guard case .done = try await owner.ask(.create(policy)) else {
                Issue.record("no mailbox")
                return
            }
            var surbs: Set<SURBID> = []
            var messages = 0
            for (point, most) in Self.points {
                let count = Int.random(in: 1...most, using: &random)
                try await lab.stop(Self.victim)
                // It may die before it is ready.
                try lab.start(Self.victim, environment: ["NIGHTJAR_KILL_AT": "\(point):\(count)"], waits: false)
                // What is committed together passes a step together: more is sent until it was passed often enough.
                for round in 0..<4 {
                    var shipments: [Shipment] = []
                    for _ in 0..<12 {
                        let answer = try owner.answer(using: &random)
                        surbs.insert(answer.surb)
                        shipments.append(answer.shipment)
                    }
                    shipments += try sender.shipments(
                        RandomText.base64(40_000, using: &random), subject: point, to: owner.address, exit: Self.victim,
                        path: ["alpha", Self.victim], delay: .seconds(1), using: &random)
                    messages += 1
                    try await sender.send(shipments)
                    let isLast = round == 3
                    do {
                        // Polls go on while it dies; one that gets no answer is made again.
                        try await eventually("\(Self.victim) dies at \(point):\(count)", seconds: isLast ? 30 : 8) {
                            _ = try? await owner.poll()
                            return !lab.isRunning(Self.victim)
                        }
                        break
                    } catch { if isLast { throw error } }
                }
                try lab.start(Self.victim)
                try await eventually("all mail is fetched after a death at \(point):\(count)", seconds: 40) {
                    let isMore = try await owner.poll()
                    return !isMore && owner.replies.count >= surbs.count && owner.wholeMessages >= messages
                }
                #expect(owner.replies.count == surbs.count && Set(owner.replies) == surbs, "after \(point):\(count)")
                #expect(owner.wholeMessages == messages, "after \(point):\(count)")
                for (name, book) in try await lab.quiet() {
                    #expect(book["packets_missing"] == 0, "the books of \(name)")
                }
            }
            guard case .done(let status) = try await owner.ask(.status) else {
                Issue.record("no status")
                return
            }
            #expect(status.used == 0 && status.waiting == 0)
            lab.stop()
        }
    }
}

extension MailboxBlock {
    /// What it holds, without the state of the mailbox.
    fileprivate var content: [UInt8] {
        switch self {
        case .reply(_, let record, _): record.encoded
        case .fragment(_, let fragment, _): fragment.encoded
        default: []
        }
    }
}

extension Integration.MailboxCrashTests.Owner {
    /// The SURBs of the answers, each as often as it came in a block of its own.
    fileprivate var replies: [SURBID] {
        seen.values.compactMap { if case .reply(_, let record, _) = $0 { record.surb } else { nil } }
    }

    /// Messages of which every fragment came, once each.
    fileprivate var wholeMessages: Int {
        let fragments = seen.values.compactMap { block in
            if case .fragment(_, let fragment, _) = block { fragment } else { nil }
        }
        return Dictionary(grouping: fragments, by: \.message).values.count { pieces in
            pieces.map(\.index).sorted() == Array(0..<pieces[0].count)
        }
    }
}
