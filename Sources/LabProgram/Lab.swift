// A whole network of real processes on loopback, for tests, the demo and whoever wants to look around: every node is a
// `nightjar-node` of its own with its own configuration, keys and data.

internal import Daemon
internal import Directory
internal import Foundation
private import Glibc
internal import MixCrypto
internal import NodeProgram
internal import WireFormat

/// A node of a lab.
public struct LabNode: Codable, Sendable {
    public let name: String
    public internal(set) var id: String
    public let port: Int
    public let monitorPort: Int
    public var pid: Int32
    public let isExit: Bool
    /// Where an exit takes answers by LMTP, on 127.0.0.1; nil for a node that takes none.
    public var gatewayPort: Int?
    /// Whether it offers mailboxes.
    public var offersMailboxes = false

    /// The domain of an exit's reply addresses.
    public var gatewayDomain: String { "reply.\(name).lab.example" }
}

/// An authority of a lab.
public struct LabAuthority: Codable, Sendable {
    public let name: String
    /// Of HTTP, on 127.0.0.1.
    public let port: Int
    public var pid: Int32

    public var url: String { "http://127.0.0.1:\(port)" }
}

/// The pinger of a lab.
public struct LabPinger: Codable, Sendable {
    public var pid: Int32
}

/// What `lab.json` holds.
struct LabState: Codable {
    var nodes: [LabNode]
    var authorities: [LabAuthority]
    var timeScale: Double
    /// Milliseconds since 1970.
    var timeOrigin: Int64
    /// Nil in a lab without one.
    var pinger: LabPinger?
    /// The same.
    var nymserver: LabNymserver?
    /// Path of `nightjar-node`; the other programs are beside it.
    var program: String
}

/// A lab in a directory.
public struct Lab: Sendable {
    /// Names of nodes, in order.
    static let names = [
        "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima",
        "mike",
        "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray",
        "yankee", "zulu",
    ]
    /// Names of authorities, in order.
    static let authorityNames = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis"]
    /// How long all nodes together may take to be ready.
    public static let readyTimeout = 30.0
    /// How long the first consensus that lists all nodes as running may take.
    public static let consensusTimeout = 90.0

    public let directory: String
    var state: LabState

    /// The signed network file.
    public var networkFile: String { "\(directory)/network" }
    /// Network file, consensus and descriptors, as `DirectoryCache` keeps them; the consensus only in a lab without
    /// authorities.
    public var directoryFiles: String { "\(directory)/directory" }
    /// Name of the pinger's process.
    public static let pingerName = "pinger"
    /// Name of the nymserver's process.
    public static let nymserverName = "nymserver"

    /// Of a node, an authority, the pinger or the nymserver, as the following.
    public func dataDirectory(_ name: String) -> String {
        "\(place(name))/\(name == Self.pingerName || name == Self.nymserverName ? "data" : name)"
    }
    public func configuration(_ name: String) -> String { "\(place(name))/\(name).toml" }
    public func log(_ name: String) -> String { "\(place(name))/\(name).log" }
    private func place(_ name: String) -> String {
        if name == Self.pingerName { return pingerDirectory }
        if name == Self.nymserverName { return nymserverDirectory }
        return "\(directory)/\(Self.authorityNames.contains(name) ? "authorities" : "nodes")"
    }
    /// Where the pinger's pages, tables and report are.
    public var pingerOutput: String { "\(pingerDirectory)/output" }
    var pingerDirectory: String { "\(directory)/pinger" }
    var nymserverDirectory: String { "\(directory)/nymserver" }
    /// Maildir of a local user of an exit.
    public func maildir(_ node: String, user: String = "postmaster") -> String { "\(directory)/mail/\(node)-\(user)" }

    public var nodes: [LabNode] { state.nodes }
    public var authorities: [LabAuthority] { state.authorities }
    public var pinger: LabPinger? { state.pinger }
    public var nymserver: LabNymserver? { state.nymserver }
    public var timeScale: Double { state.timeScale }

    /// What a shell needs to use the lab: `NAME=value`.
    public var environment: [(name: String, value: String)] {
        [
            ("NIGHTJAR_LAB", directory), ("NIGHTJAR_HOME", "\(directory)/client"),
            ("NIGHTJAR_TIME_SCALE", String(state.timeScale)), ("NIGHTJAR_TIME_ORIGIN", String(state.timeOrigin)),
            (
                "NIGHTJAR_GATEWAYS",
                nodes.compactMap { node in node.gatewayPort.map { "\(node.gatewayDomain)=127.0.0.1:\($0)" } }
                    .joined(separator: " ")
            ),
        ]
    }

    /// Makes keys, network file and configurations in a directory that is empty or not there, starts all authorities and
    /// nodes, waits until the consensus lists every node as running, and starts pinger and nymserver.
    /// - Parameter program: path of `nightjar-node`; the other programs are beside it.
    public static func start(_ plan: LabPlan, directory: String, program: String) throws -> Lab {
        var lab = try prepare(plan, directory: directory, program: program)
        do {
            try lab.startAuthorities()
            for node in lab.state.nodes { try lab.start(node.name) }
            try lab.waitUntilReady()
            if plan.authorities > 0 { try lab.waitForConsensus() }
            if plan.pinger { try lab.start(pingerName) }
            if plan.nymserver != nil { try lab.start(nymserverName) }
            try lab.waitUntilReady()
        } catch {
            lab.stop()
            throw error
        }
        return lab
    }

    /// As `start`, without starting anything.
    public static func prepare(_ plan: LabPlan, directory: String, program: String) throws -> Lab {
        try plan.check()
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw LabError("\(program) is not there; build it first with `swift build`")
        }
        let existing = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        guard existing.isEmpty else {
            throw LabError(
                "\(directory) is not empty; run `nightjar-lab stop --directory \(directory) --remove` or name another one"
            )
        }
        let directory = URL(fileURLWithPath: directory).standardizedFileURL.path
        for path in [
            directory, "\(directory)/nodes", "\(directory)/authorities", "\(directory)/mail", "\(directory)/client",
        ] {
            _ = try PrivateDirectory(path)
        }
        let ports = try FreePorts.find(plan.nodes * 3 + 3 + plan.authorities)
        let origin = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        var lab = Lab(
            directory: directory,
            state: LabState(
                nodes: [],
                authorities: zip(authorityNames, ports.suffix(plan.authorities)).map {
                    LabAuthority(name: $0, port: $1, pid: 0)
                }, timeScale: plan.timeScale, timeOrigin: origin.milliseconds, program: program))
        let trust = try lab.makeTrust(plan, origin: origin)
        if let domain = plan.nymserver {
            func place(_ name: String, _ port: Int) -> String {
                plan.nymSockets.map { "\($0)/\(name)" } ?? "127.0.0.1:\(port)"
            }
            let own = ports.dropFirst(plan.nodes * 3).prefix(3).map { $0 }
            let nymserver = LabNymserver(
                domain: domain, lmtp: place("lmtp", own[0]), policy: place("policy", own[1]), monitorPort: own[2],
                pid: 0)
            try lab.makeNymserver(plan, nymserver, origin: origin)
            lab.state.nymserver = nymserver
        }
        var descriptors: [Descriptor] = []
        for index in 0..<plan.nodes {
            let isExit = index >= plan.nodes - plan.exits
            var node = LabNode(
                name: names[index], id: "", port: ports[3 * index], monitorPort: ports[3 * index + 1], pid: 0,
                isExit: isExit, gatewayPort: isExit && plan.hasGateways ? ports[3 * index + 2] : nil)
            node.offersMailboxes = plan.mailboxIndices.contains(index)
            var text = lab.configurationText(node, plan: plan, origin: origin)
            if let nymserver = lab.nymserver, isExit, index < plan.nodes - plan.exits + plan.nymExits {
                text += lab.nymExitText(nymserver)
            }
            try AtomicFile.write(Array(text.utf8), to: lab.configuration(node.name))
            let bytes = try NodeCommands.initialize(configuration: lab.configuration(node.name))
            let descriptor = try UnverifiedDescriptor(bytes).verify(network: "lab")
            descriptors.append(descriptor)
            node.id = descriptor.id.hex
            lab.state.nodes.append(node)
        }
        if plan.pinger { lab.state.pinger = LabPinger(pid: 0) }
        let pinger = plan.pinger ? try lab.makePinger(plan, origin: origin) : nil
        if let sole = trust {
            try lab.certify(descriptors, by: sole, at: origin)
        } else {
            try lab.configureAuthorities(plan, origin: origin, pinger: pinger)
        }
        try lab.save()
        return lab
    }

    /// A lab made before.
    public init(directory: String) throws {
        self.directory = URL(fileURLWithPath: directory).standardizedFileURL.path
        guard let data = FileManager.default.contents(atPath: "\(self.directory)/lab.json") else {
            throw LabError("there is no lab in \(directory); run `nightjar-lab start --directory \(directory)`")
        }
        do {
            state = try JSONDecoder().decode(LabState.self, from: data)
        } catch {
            throw LabError("\(directory)/lab.json is damaged; remove the directory and start a new lab")
        }
    }

    private init(directory: String, state: LabState) {
        self.directory = directory
        self.state = state
    }
}
