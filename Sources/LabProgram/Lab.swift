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
    public let id: String
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

/// What `lab.json` holds.
struct LabState: Codable {
    var nodes: [LabNode]
    var timeScale: Double
    /// Milliseconds since 1970.
    var timeOrigin: Int64
    var program: String
    var signer: String
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
    /// How long all nodes together may take to be ready.
    public static let readyTimeout = 30.0

    public let directory: String
    private var state: LabState

    private var stateFile: String { "\(directory)/lab.json" }
    /// The signed network file.
    public var networkFile: String { "\(directory)/network" }
    public func dataDirectory(_ node: String) -> String { "\(directory)/nodes/\(node)" }
    public func configuration(_ node: String) -> String { "\(directory)/nodes/\(node).toml" }
    public func log(_ node: String) -> String { "\(directory)/nodes/\(node).log" }
    /// Maildir of a local user of an exit.
    public func maildir(_ node: String, user: String = "postmaster") -> String { "\(directory)/mail/\(node)-\(user)" }

    public var nodes: [LabNode] { state.nodes }
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

    /// Makes keys, descriptors, network file and configurations in a directory that is empty or not there, and starts all
    /// nodes.
    /// - Parameter program: path of `nightjar-node`.
    public static func start(_ plan: LabPlan, directory: String, program: String) throws -> Lab {
        var lab = try prepare(plan, directory: directory, program: program)
        for index in lab.state.nodes.indices { try lab.start(index) }
        do {
            try lab.waitUntilReady()
        } catch {
            lab.stop()
            throw error
        }
        return lab
    }

    /// As `start`, without starting anything.
    public static func prepare(_ plan: LabPlan, directory: String, program: String) throws -> Lab {
        guard (1...names.count).contains(plan.nodes) else { throw LabError("a lab has 1 to \(names.count) nodes") }
        guard (0...plan.nodes).contains(plan.exits) else {
            throw LabError("a lab of \(plan.nodes) nodes cannot have \(plan.exits) exits")
        }
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
        for path in [directory, "\(directory)/nodes", "\(directory)/mail", "\(directory)/client"] {
            _ = try PrivateDirectory(path)
        }
        let ports = try FreePorts.find(plan.nodes * 3)
        let origin = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        var parameters = NetworkParameters()
        if let mean = plan.meanDelay { parameters.meanDelay = mean }
        if let deadline = plan.deliveryDeadline { parameters.deliveryDeadline = deadline }
        let signer = try SigningKey.generate()
        var nodes: [LabNode] = []
        var descriptors: [Descriptor] = []
        let lab = Lab(
            directory: directory,
            state: LabState(
                nodes: [], timeScale: plan.timeScale, timeOrigin: origin.milliseconds, program: program,
                signer: Hex.encode(signer.verificationKey.bytes)))
        for index in 0..<plan.nodes {
            let isExit = index >= plan.nodes - plan.exits
            var node = LabNode(
                name: names[index], id: "", port: ports[3 * index], monitorPort: ports[3 * index + 1], pid: 0,
                isExit: isExit, gatewayPort: isExit && plan.hasGateways ? ports[3 * index + 2] : nil)
            node.offersMailboxes = plan.mailboxIndices.contains(index)
            let text = lab.configurationText(node, plan: plan, origin: origin, signer: signer.verificationKey.bytes)
            try AtomicFile.write(Array(text.utf8), to: lab.configuration(node.name))
            let bytes = try NodeCommands.initialize(
                configuration: lab.configuration(node.name), network: "lab",
                parameters: parameters.values.map { ($0.name, $0.value) })
            let descriptor = try UnverifiedDescriptor(bytes).verify(network: "lab")
            descriptors.append(descriptor)
            node = LabNode(
                name: node.name, id: descriptor.id.hex, port: node.port, monitorPort: node.monitorPort, pid: 0,
                isExit: isExit, gatewayPort: node.gatewayPort, offersMailboxes: node.offersMailboxes)
            nodes.append(node)
        }
        let published = Timestamp(seconds: origin.seconds)
        let file = try NetworkFile.make(
            name: "lab", version: 1, isTest: true, published: published, validUntil: published + .days(365),
            parameters: parameters,
            nodes: descriptors, key: signer)
        try AtomicFile.write(file.bytes, to: lab.networkFile)
        var made = lab
        made.state.nodes = nodes
        try made.save()
        return made
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

    private func save() throws {
        try AtomicFile.write(Array(JSONEncoder().encode(state)), to: stateFile)
    }

    // MARK: Processes

    /// Starts a node that is not running.
    /// - Parameter processor: the only processor that it may use, for measurements.
    public mutating func start(_ name: String, processor: Int? = nil, environment: [String: String] = [:]) throws {
        guard let index = state.nodes.firstIndex(where: { $0.name == name }) else {
            throw LabError("the lab has no node \(name)")
        }
        try start(index, processor: processor, environment: environment)
    }

    private mutating func start(_ index: Int, processor: Int? = nil, environment: [String: String] = [:]) throws {
        let node = state.nodes[index]
        try? FileManager.default.removeItem(atPath: "\(dataDirectory(node.name))/running")
        var command = [state.program, "run", "--config", configuration(node.name)]
        if let processor { command = ["/usr/bin/taskset", "-c", String(processor)] + command }
        let process = try ProcessTable.start(
            node.name, executable: command[0], arguments: Array(command.dropFirst()), log: log(node.name),
            environment: environment)
        state.nodes[index].pid = process.pid
        try save()
    }

    /// Sends a signal to a node.
    public func signal(_ name: String, _ number: Int32) throws {
        guard let node = state.nodes.first(where: { $0.name == name }), node.pid > 0 else {
            throw LabError("\(name) is not running")
        }
        ProcessTable.signal(node.pid, number)
    }

    /// Kills a node as a power cut would, and waits until it is gone.
    public mutating func kill(_ name: String) throws {
        try signal(name, SIGKILL)
        guard let index = state.nodes.firstIndex(where: { $0.name == name }) else { return }
        try waitUntilGone(state.nodes[index].pid, seconds: 10)
        state.nodes[index].pid = 0
        try save()
    }

    /// Whether a node's process is there.
    public func isRunning(_ name: String) -> Bool {
        guard let node = state.nodes.first(where: { $0.name == name }), node.pid > 0 else { return false }
        ProcessTable.reap(node.pid)
        return ProcessTable.isAlive(node.pid)
    }

    /// Waits until every started node listens.
    public func waitUntilReady(seconds: Double = Lab.readyTimeout) throws {
        let end = Date().addingTimeInterval(seconds)
        for node in state.nodes where node.pid > 0 {
            while !FileManager.default.fileExists(atPath: "\(dataDirectory(node.name))/running") {
                ProcessTable.reap(node.pid)
                guard ProcessTable.isAlive(node.pid) else {
                    throw LabError(
                        "node \(node.name) has ended; its log \(log(node.name)) ends with:\n\(tail(log(node.name)))")
                }
                guard Date() < end else { throw LabError("node \(node.name) is not ready; see \(log(node.name))") }
                usleep(20_000)
            }
        }
    }

    /// Stops all nodes: asks, then insists.
    public mutating func stop() {
        for node in state.nodes where node.pid > 0 { ProcessTable.signal(node.pid, SIGTERM) }
        for index in state.nodes.indices where state.nodes[index].pid > 0 {
            let pid = state.nodes[index].pid
            if (try? waitUntilGone(pid, seconds: 20)) == nil {
                ProcessTable.signal(pid, SIGKILL)
                try? waitUntilGone(pid, seconds: 5)
            }
            state.nodes[index].pid = 0
        }
        try? save()
    }

    private func waitUntilGone(_ pid: Int32, seconds: Double) throws {
        let end = Date().addingTimeInterval(seconds)
        while true {
            guard ProcessTable.isAlive(pid) else {
                // It may have ended a moment ago and be a zombie of ours.
                ProcessTable.reap(pid)
                return
            }
            guard Date() < end else { throw LabError("process \(pid) does not end") }
            usleep(10_000)
        }
    }

    private func tail(_ path: String) -> String {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }
}
