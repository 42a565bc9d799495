// Reply blocks of one's own: whose keys they name, how long they live, and `nightjar surb`.

import Daemon
import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5))) struct ReplyBlockTests {
    // MARK: - Periods

    @Test func everyBlockLivesTwoWeeksAndItsAnswersArrive() {
        for acceptance in [Interval.days(14), .days(10), .days(60), .hours(2)] {
            var parameters = NetworkParameters()
            parameters.acceptance = acceptance
            if acceptance < .days(1) {
                parameters.periodLength = .hours(1)
                parameters.delayCap = .seconds(30)
            }
            let calendar = parameters.calendar
            let periods = ReplyBlockPeriods(parameters, hops: 5)
            let first = calendar.start(of: KeyPeriod(2900))
            var lives: [Interval] = []
            for step in 0..<210 {
                let now = first + .milliseconds(parameters.periodLength.milliseconds / 105 * Int64(step))
                guard let (period, expiry) = periods.choose(at: now, hasKeys: { _ in true }),
                    let current = calendar.period(at: now)
                else { return #expect(Bool(false), "no period at \(now)") }
                lives.append(expiry - now)
                #expect(expiry - now >= min(acceptance, ReplyBlockPeriods.longestLife), "at \(now)")
                #expect(expiry - now <= ReplyBlockPeriods.longestLife)
                #expect(expiry + periods.journey <= calendar.destruction(of: period), "the journey has room")
                #expect(period == current || period == current.advanced(by: 1))
                // The next period's keys only in the last hours of a period.
                if period != current { #expect(calendar.end(of: current) - now < periods.journey) }
            }
            if acceptance == .days(14) {
                #expect(periods.journey == .minutes(150) + .hours(12))
                #expect(lives.max() ?? .zero > .days(20))
            }
        }
    }

    @Test func withoutTheNextPeriodsKeysTheCurrentOnesAreTaken() throws {
        let parameters = NetworkParameters()
        let periods = ReplyBlockPeriods(parameters, hops: 5)
        let now = parameters.calendar.end(of: KeyPeriod(2900)) - .minutes(1)
        let (period, expiry) = try #require(periods.choose(at: now) { $0 == KeyPeriod(2900) })
        #expect(period == KeyPeriod(2900))
        #expect(expiry - now < .days(14) && expiry - now > .days(13))
        #expect(periods.choose(at: Timestamp(milliseconds: -1)) { _ in true } == nil)
    }

    // MARK: - Making and opening

    /// A node of a manual clock: has the keys of the periods that the clock allows, as a node's key ring does.
    private struct ClockedKeys: PacketKeys {
        let keys: [KeyPeriod: KEMPrivateKey]
        let calendar: KeyPeriodCalendar
        let now: Timestamp

        func key(of period: KeyPeriod) -> KEMPrivateKey? {
            guard let current = calendar.period(at: now), calendar.destruction(of: period) > now,
                Int(period.number) <= Int(current.number) + 2
            else { return nil }
            return keys[period]
        }
    }

    /// What the last node hands over of an answer that is sent at `now`, each hop `pause` later; nil if a key is gone.
    private func travel(
        _ surb: SURB, _ network: TestNetwork, content: [UInt8], at start: Timestamp, pause: Interval
    ) throws -> ReplyRecord? {
        var packet = try surb.makePacket(content: content, at: start)
        var now = start
        var next = surb.first
        while true {
            guard let node = network.nodes.first(where: { $0.id == next }) else { return nil }
            let keys = ClockedKeys(keys: node.packetKeys, calendar: network.file.parameters.calendar, now: now)
            do throws(UnwrapFailure) {
                switch try Unwrapper(node: node.id).unwrap(packet, keys: keys, isKnown: { _, _ in false }).outcome {
                case .forward(let following, _, let inner): (next, packet) = (following, inner)
                case .reply(_, let bytes, let payload):
                    guard let info = try? ReplyInfo(bytes) else { return nil }
                    return try? ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: payload)
                case .deliver: return nil
                }
            } catch {
                return nil
            }
            now = now + pause
        }
    }

    @Test func aBlockWorksThirteenDaysLaterAndIsRefusedAfterItsDate() throws {
        var random = SeededRandom(name: "aBlockWorksThirteenDaysLaterAndIsRefusedAfterItsDate")
        let network = try TestNetwork()
        let calendar = network.file.parameters.calendar
        let directory = try TemporaryDirectory("nightjar-keyring")
        let keyring = try Keyring.open(
            path: directory.file("ring/keyring"), directory: directory.file("ring"), passphrase: .none)
        let current = try #require(calendar.period(at: ScaledClock.systemTime()))
        let content = [UInt8](repeating: 5, count: PayloadSize.content)
        let published = ScaledClock.systemTime()
        // From now on through the rest of the period, its last minutes included.
        for made in [published, calendar.end(of: current) - .minutes(30), calendar.end(of: current) - .milliseconds(1)]
        where made < published + .days(6) || made == published {
            let maker = ReplyBlockMaker(network: network.file, blocked: [], now: max(made, published))
            let target = try ReplyTarget("mbox:info@echo")
            let (surb, id) = try maker.make(
                1, identity: "default", target: target,
                maker: keyring.currentMaker(identity: "default", at: made), using: &random)[0]
            for later in [Interval.zero, .days(7), .days(13), .days(14) - .minutes(1)] {
                let sent = max(made, published) + later
                let record = try #require(
                    try travel(surb, network, content: content, at: sent, pause: .minutes(30)), "\(later) later")
                #expect(record.surb == id)
                let opened = try #require(try keyring.openReply(record))
                #expect(opened.identity == "default" && opened.content == content)
            }
            // At the last moment, with the longest journey that there is room for.
            #expect(
                try travel(surb, network, content: content, at: surb.expiry - .seconds(1), pause: .hours(3)) != nil)
            #expect(throws: SURBError.expired(surb.expiry)) {
                try surb.makePacket(content: content, at: surb.expiry)
            }
        }
    }

    @Test func pathsEndWhereTheAnswersAreWanted() throws {
        var random = SeededRandom(name: "pathsEndWhereTheAnswersAreWanted")
        let network = try TestNetwork {
            $0.change = { fields in
                if fields.nickname.text == "bravo" { fields.capabilities.append(Capability(Capability.Name.mailbox)) }
            }
        }
        let maker = ReplyBlockMaker(
            network: network.file, blocked: [network["foxtrot"].id], now: ScaledClock.systemTime())
        let secret = SURBMaker(secret: .random())
        let content = [UInt8](repeating: 0, count: PayloadSize.content)
        let box = "box:\(String(repeating: "ab", count: 32))@bravo"
        for (target, end) in [
            ("\(box)?\(String(repeating: "1f", count: 16))", "bravo"), ("mbox:info@echo", "echo"),
            ("smtp:a@b.example", "echo"),
        ] {
            for surb in try maker.make(4, identity: "a", target: ReplyTarget(target), maker: secret, using: &random)
                .map(\.surb)
            {
                var (packet, next) = (try surb.makePacket(content: content, at: ScaledClock.systemTime()), surb.first)
                var names: [String] = []
                var found: ReplyInfo?
                while found == nil {
                    let node = try #require(network.nodes.first { $0.id == next })
                    names.append(node.name)
                    let keys = ClockedKeys(
                        keys: node.packetKeys, calendar: network.file.parameters.calendar, now: ScaledClock.systemTime()
                    )
                    switch try Unwrapper(node: node.id).unwrap(packet, keys: keys, isKnown: { _, _ in false }).outcome {
                    case .forward(let following, _, let inner): (next, packet) = (following, inner)
                    case .reply(_, let bytes, _): found = try ReplyInfo(bytes)
                    case .deliver: throw User.Failure(text: "delivered")
                    }
                }
                #expect(names.count == 5 && names.last == end && !names.contains("foxtrot"), "\(names)")
                #expect(found?.address == target)
            }
        }
        let wrong = try ReplyTarget("mbox:info@alpha")
        #expect(throws: PathError.cannotExit("alpha", needs: "local users (mbox:)")) {
            try maker.make(1, identity: "a", target: wrong, maker: secret, using: &random)
        }
        #expect(throws: ReplyTargetError(address: "drop:")) {
            try maker.make(1, identity: "a", target: ReplyTarget("drop:"), maker: secret, using: &random)
        }
    }

    // MARK: - Commands

    private func blocks(_ text: String) -> [SURB] { ReplyBlockText(Array(text.utf8)).blocks }

    @Test func blocksAreMadeListedAndInspected() async throws {
        let user = try User()
        let network = try TestNetwork()
        try await user.join(network)
        #expect(
            try await user.run("surb", "new")
                == .failure(
                    2,
                    "there is no place for answers to go: make a mailbox with `nightjar mailbox create`, or give an address with "
                        + "--to"))
        var run = try await user.run("surb", "new", "-n", "3", "--to", "me@example.org", "--identity", "ludwig")
        #expect(run.code == 0, "\(run)")
        let made = blocks(run.output)
        #expect(made.count == 3)
        #expect(run.messages.contains("3 reply blocks of the identity ludwig, good until \(made[0].expiry)"), "\(run)")
        let quoted = "Hello,\r\n> " + run.output.replacing("\n", with: "\r\n> ") + "\r\nBye\n"
        let damaged = run.output.prefix(500) + "\n"

        try user.configure("reply-address = \"mbox:me@foxtrot\"\n")
        run = try await user.run("surb", "new", "--json", "--status-fd", "2", "-q")
        #expect(run.code == 0, "\(run)")
        struct Report: Decodable { var id, identity, expires, firstNode, target, block: String }
        let reports = try JSONDecoder().decode([Report].self, from: Data(run.output.utf8))
        #expect(reports.count == 1 && reports[0].identity == "default" && reports[0].target == "mbox:me@foxtrot")
        #expect(blocks(reports[0].block).count == 1)
        #expect(run.messages == "[NIGHTJAR:] GENERATED_SURB \(reports[0].id)\n")

        run = try await user.run("surb", "list")
        #expect(run.code == 0 && run.output.split(separator: "\n").count == 5, "\(run)")
        #expect(run.output.contains("ludwig") && run.output.contains(reports[0].id), "\(run)")

        // Inspecting: quoted in a mail, one damaged, one of our own, several files.
        let mail = try user.file("mail", quoted + damaged)
        let own = try user.file("own", reports[0].block)
        run = try await user.run("surb", "inspect", mail, own)
        #expect(run.code == 0, "\(run)")
        #expect(run.output.components(separatedBy: "digest ").count == 5, "\(run)")
        #expect(run.output.contains("(our own, identity ludwig)") && run.output.contains("answered    no"), "\(run)")
        #expect(run.messages == "1 reply block besides is damaged\n", "\(run)")
        // For somebody else they are only what they show.
        let other = try User()
        run = try await other.run(["surb", "inspect", "--json"], input: Array(quoted.utf8))
        struct Inspections: Decodable {
            struct Block: Decodable {
                var digest, expires, firstNode: String
                var isExpired: Bool
                var id, used: String?
            }
            var blocks: [Block]
            var damaged: Int
        }
        let seen = try JSONDecoder().decode(Inspections.self, from: Data(run.output.utf8))
        #expect(seen.blocks.count == 3 && seen.damaged == 0)
        #expect(seen.blocks.allSatisfy { $0.id == nil && $0.used == nil && !$0.isExpired })
        #expect(seen.blocks.map(\.expires) == made.map(\.expiry.description))
        #expect(seen.blocks[0].firstNode == made[0].first.hex, "no network, no names")
        #expect(
            try await other.run("surb", "inspect", input: String(damaged))
                == .failure(1, "the reply block in it is damaged; have new ones sent"))
        #expect(
            try await other.run("surb", "inspect", input: "Hello\n")
                == .failure(1, "there is no reply block in it"))
    }

    @Test func filesBytesAndSettings() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        try user.configure("surb-log = false\n[aliases]\nme = \"me@example.org\"\n")
        let path = user.directory.file("blocks")
        var run = try await user.run("surb", "new", "-n", "2", "--to", "me", "--binary", "-o", path)
        #expect(run.code == 0 && run.output.isEmpty, "\(run)")
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes.count == 2 * Geometry.suite1.surbSize && ReplyBlockText(bytes).blocks.count == 2)
        run = try await user.run("surb", "inspect", path)
        #expect(run.code == 0 && run.output.components(separatedBy: "used by us  no").count == 3, "\(run)")
        #expect(
            try await user.run("surb", "list")
                == Transcript(messages: "no reply blocks have been made here\n", code: 0))
        let wrong: [([String], String)] = [
            (["-n", "0"], "-n takes 1 to 256"), (["-n", "257"], "-n takes 1 to 256"),
            (["--identity", "receipts"], "the identity `receipts` is for receipts only; choose another name"),
            (["--binary", "--json"], "--binary with --json needs a file for the blocks: add -o FILE"),
            (["--to", "nobody"], "there is no mailbox called nobody; see `nightjar mailbox list`"),
            (
                ["--to", "nym:a@b.example"],
                "answers cannot go to nym:a@b.example; use a mailbox (`nightjar mailbox create`), an smtp: or an mbox: address"
            ),
            (
                ["--to", "drop:"],
                "answers cannot go to drop:; use a mailbox (`nightjar mailbox create`), an smtp: or an mbox: address"
            ),
            (["--path", "*9"], "the path is not well-formed: `*9`: a number from 1 to 5 must follow"),
            (
                ["--status-fd", "9999"],
                "--status-fd 9999 is not an open descriptor; write for example: --status-fd 3 3> FILE"
            ),
        ]
        for (arguments, message) in wrong {
            let to = arguments.contains("--to") ? [] : ["--to", "me"]
            #expect(try await user.run(["surb", "new"] + to + arguments) == .failure(2, message), "\(arguments)")
        }
    }

    @Test func theLogKnowsWhatWasAnsweredAndForgets() throws {
        var random = SeededRandom(name: "theLogKnowsWhatWasAnsweredAndForgets")
        let directory = try TemporaryDirectory("nightjar-log")
        let store = try RecordStore.open(path: directory.file("records"), key: .random())
        let log = ReplyBlockLog(store)
        let now = Timestamp(seconds: 1_800_000_000)
        let blocks = (1...3).map { day in
            OwnReplyBlock(
                id: .random(using: &random), identity: "default", made: now, expiry: now + .days(Int64(day)),
                target: "smtp:me@example.org", digest: .sha256("\(day)"))
        }
        try log.add(blocks)
        #expect(try log.all() == blocks)
        try log.noteAnswered(blocks[1].id, at: now + .hours(1))
        try log.noteAnswered(blocks[1].id, at: now + .hours(2))
        try log.noteAnswered(.random(using: &random), at: now)
        #expect(try log.all().map(\.answered) == [nil, now + .hours(1), nil])
        #expect(try log.forgetExpired(now: now + .days(2)) == 2)
        #expect(try log.all().map(\.id) == [blocks[2].id])
        #expect(try store.expire(now: now + .days(3) + SURBSecretSchedule.opening) == 1)
    }

    @Test func identitiesDoNotShareSecretsAndCommandsAtOnceLoseNone() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        let names = ["one", "two", "three", "four", "five", "six"]
        let runs = try names.map { try user.start(["surb", "new", "--to", "me@example.org", "--identity", $0]) }
        for run in runs {
            let end = try await run.end()
            #expect(end.code == 0, "\(end)")
        }
        let keyring = try Keyring.open(path: "\(user.home)/keyring", directory: user.home, passphrase: .none)
        #expect(Set(keyring.identities().map(\.name)) == Set(names))
        let secrets = keyring.items.compactMap(\.surbSecret).map { $0.secret.bytes.withBytes { Hex.encode($0) } }
        #expect(Set(secrets).count == names.count)
        let list = try await user.run("surb", "list")
        #expect(names.allSatisfy(list.output.contains), "\(list)")
    }
}
