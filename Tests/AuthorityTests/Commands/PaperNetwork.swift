// Three authorities that never talk over a network: directories, and files that are carried between them. Everything is made
// by the commands that people use.

import Daemon
import Directory
import Foundation
import MixCrypto
import NIOCore
import NIOPosix
import WireFormat

/// A test network on paper.
struct PaperNetwork {
    static let names = ["alice", "bob", "carol"]

    /// One table, at which all sit; each authority's files begin with its name.
    let table: Operator
    let slotLength: Interval

    /// Does the whole ceremony of doc/AUTHORITY.md.
    /// - Parameter slotLength: in whole seconds.
    init(slotLength: Interval = .seconds(1), urls: [String] = []) async throws {
        table = try Operator("paper")
        self.slotLength = slotLength
        var toml = """
            name = "paper"
            test-network = true
            [parameters]
            slot-length = "\(slotLength.milliseconds / 1000)s"

            """
        for (index, name) in Self.names.enumerated() {
            try await table.must("identity new --output \(name).key > \(name).identity")
            toml += """

                [[authority]]
                name = "\(name)"
                identity = "\(name).identity"
                urls = [\(urls.isEmpty ? "" : "\"\(urls[index])\"")]

                """
        }
        try table.file("network.toml", toml)
        try await table.must("draft-network network.toml --output network")
        for name in Self.names { try await table.must("sign-network network --identity \(name).key") }
        for (index, name) in Self.names.enumerated() {
            let listen = urls.isEmpty ? "" : "--listen \(urls[index].dropFirst("http://".count))"
            try await table.must(
                "init --config \(name).toml --name \(name) --network network --data-directory \(name) \(listen)")
            // Nobody answers on paper.
            try table.file(
                "\(name).toml",
                table.text("\(name).toml").replacing("#check-reachability = true", with: "check-reachability = false"))
            try await table.must(
                "certify --identity \(name).key --request \(name)/certificate.request --network network --output \(name).certificate"
            )
            try await table.must("certificate install \(name).certificate --config \(name).toml")
            try await table.must("check-config --config \(name).toml")
        }
    }

    /// Three ports that nothing listens on.
    static func freePorts() async throws -> [Int] {
        var channels: [any Channel] = []
        for _ in names {
            channels.append(
                try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
                    .get())
        }
        let ports = channels.compactMap { $0.localAddress?.port }
        for channel in channels { try await channel.close().get() }
        return ports
    }

    var calendar: SlotCalendar { SlotCalendar(length: slotLength) }
    var current: UInt64 { calendar.slot(at: ScaledClock.systemTime())?.number ?? 0 }
    func leader(_ slot: UInt64) -> String { Self.names[Int(slot % 3)] }

    /// Writes the descriptor of a new node into a file.
    func node(_ name: String, _ number: Int) throws -> String {
        let now = Timestamp(seconds: ScaledClock.systemTime().seconds)
        let period = KeyPeriodCalendar(length: .days(7), acceptance: .days(14)).period(at: now)
        guard let nickname = Nickname(name), let address = NodeAddress("127.0.0.1:\(4000 + number)"), let period else {
            throw Operator.Failure(text: "no node \(name)")
        }
        let key = try KEMPrivateKey(seed: .random(count: KEM.seedSize)).publicKey
        let fields = DescriptorFields(
            network: "paper", nickname: nickname, addresses: [address], published: now - .hours(1),
            validUntil: now + .days(2), keys: [period: key], capabilities: [Capability(Capability.Name.relay)],
            software: "test")
        let descriptor = try Descriptor.make(fields, identity: .generate())
        return try table.file("\(name).descriptor", descriptor.bytes)
    }

    /// Does a whole slot with files only.
    /// - Returns: what each of the three assembled.
    func doSlot(_ slot: UInt64) async throws -> [[UInt8]] {
        let leader = leader(slot)
        for name in Self.names {
            try await table.must("vote --config \(name).toml --slot \(slot) --output \(name).vote")
        }
        for name in Self.names { try await table.must("import --config \(name).toml alice.vote bob.vote carol.vote") }
        try await table.must("propose --config \(leader).toml --slot \(slot) --output slot.proposal")
        for name in Self.names where name != leader {
            try await table.must("import --config \(name).toml slot.proposal")
        }
        for name in Self.names {
            try await table.must("tally --config \(name).toml --slot \(slot) --output \(name).unsigned")
            try await table.must("sign --config \(name).toml --slot \(slot) --output \(name).signature")
        }
        for name in Self.names {
            try await table.must("import --config \(name).toml alice.signature bob.signature carol.signature")
            try await table.must("assemble --config \(name).toml --slot \(slot) --output \(name).consensus")
        }
        return Self.names.map { table.bytes("\($0).consensus") }
    }
}
