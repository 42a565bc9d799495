import ArgumentParser
import CommandLineEntry
import Daemon
import Foundation
import LabProgram
import WireFormat

@main
struct NightjarLab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-lab", abstract: "A whole Nightjar network of real processes on this machine.",
        discussion: """
            Examples:
              nightjar-lab start --directory lab --nodes 6 --exits 2
              eval "$(nightjar-lab env --directory lab)"
              nightjar-lab stop --directory lab --remove
              nightjar-lab pymix
            """,
        version: LabVersion.text, subcommands: [Start.self, Stop.self, Env.self, PyMix.self])

    static func main() async { await CommandRunner.run(Self.self) }
}

struct DirectoryOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "The lab's directory.")
    var directory: String
}

struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Make a network and start it; returns when the consensus lists every node as running.",
        discussion: """
            Example:
              nightjar-lab start --directory lab --nodes 6 --exits 2 --time-scale 60 --smarthost 127.0.0.1:8025
              nightjar-lab start --directory lab --time-scale 60 --drop 10%
              nightjar-lab start --directory lab --nodes 8 --time-scale 60 --pinger --drop-at bravo=20% --delay-at charlie=90m \
                --dead-link alpha:delta
              nightjar-lab start --directory lab --time-scale 60 --nymserver nym.example --nym-smarthost 127.0.0.1:10025
            """)
    @OptionGroup var lab: DirectoryOption
    @Option(help: "Nodes in all.")
    var nodes = 6
    @Option(help: "How many of them deliver mail.")
    var exits = 2
    @Option(help: "Authorities that vote on the nodes; 0 has one key certify them once.")
    var authorities = 3
    @Option(help: "Length of a slot, in seconds of the network's time; without it about two of ours.")
    var slot: Int64?
    @Option(help: "How many nodes offer mailboxes; without it two, or all in a lab with a pinger.")
    var mailboxes: Int?
    @Option(help: "How many times faster than real time the network lives.")
    var timeScale = 1.0
    @Option(help: "Mail server (host:port) that the exits hand mail to.")
    var smarthost: String?
    @Option(help: "Mixing strategy of every node.")
    var strategy = "poisson"
    @Option(help: "Own loops of every node per minute of the network's time.")
    var loopsPerMinute: Double?
    @Option(help: "Pause of the exits between attempts, in milliseconds of the network's time.")
    var retryPause: Int64?
    @Option(help: "Share of the packets that every node receives which it loses on purpose, such as 10% or 0.1.")
    var drop: Share = Share(0)
    @Option(help: "The same for one node, such as bravo=20%; may be given again.")
    var dropAt: [NodeFault<Share>] = []
    @Option(
        help:
            "How much longer a node holds what it hands on, the network's time, such as bravo=90m; may be given again.")
    var delayAt: [NodeFault<Length>] = []
    @Option(
        help: "A link over which nothing goes, such as alpha:bravo, from the first to the second; may be given again.")
    var deadLink: [LinkFault] = []
    @Flag(help: "Start a pinger that all authorities name.")
    var pinger = false
    @Option(help: "Probes that the pinger sends in an hour of the network's time.")
    var probesPerHour: Double?
    @Option(help: "Start a nymserver for this domain, to which the first exit delivers.")
    var nymserver: String?
    @Option(help: "Mail server (host:port) that takes what nyms send.")
    var nymSmarthost: String?
    @Option(
        help:
            "An existing directory for the nymserver's sockets lmtp and policy; without it they are ports of 127.0.0.1."
    )
    var nymSockets: String?

    func run() async throws {
        var plan = LabPlan()
        plan.nodes = nodes
        plan.exits = exits
        plan.mailboxNodes = mailboxes
        plan.authorities = authorities
        plan.slot = slot.map(Interval.seconds)
        plan.timeScale = timeScale
        plan.smarthost = smarthost
        plan.strategy = strategy
        plan.loopsPerMinute = loopsPerMinute
        plan.retryPause = retryPause.map(Interval.milliseconds)
        plan.dropFraction = drop.fraction
        for fault in dropAt { plan.dropAt[fault.node] = fault.value.fraction }
        for fault in delayAt { plan.delayAt[fault.node] = fault.value.interval }
        plan.deadLinks = deadLink.map { DeadLink(from: $0.from, to: $0.to) }
        plan.pinger = pinger
        plan.probesPerHour = probesPerHour
        plan.nymserver = nymserver
        plan.nymSmarthost = nymSmarthost
        plan.nymSockets = nymSockets
        let lab = try Lab.start(plan, directory: self.lab.directory, program: Programs.node)
        try LabNetwork.installForClient(lab)
        for authority in lab.authorities {
            try Terminal.standard.print("\(authority.name)  authority  \(authority.url)  pid \(authority.pid)")
        }
        for node in lab.nodes {
            try Terminal.standard.print(
                "\(node.name)  \(node.id.prefix(16))  127.0.0.1:\(node.port)  pid \(node.pid)\(node.isExit ? "  exit" : "")"
                    + (node.offersMailboxes ? "  mailboxes" : "")
                    + (node.gatewayPort.map { "  \(node.gatewayDomain) by LMTP at 127.0.0.1:\($0)" } ?? ""))
        }
        if let pinger = lab.pinger {
            try Terminal.standard.print("\(Lab.pingerName)  \(lab.pingerOutput)/index.html  pid \(pinger.pid)")
        }
        if let nymserver = lab.nymserver {
            try Terminal.standard.print(
                "\(Lab.nymserverName)  \(nymserver.domain) by LMTP at \(nymserver.lmtp)  policy at \(nymserver.policy)"
                    + "  pid \(nymserver.pid)")
        }
    }
}

struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop all processes of a lab.",
        discussion: """
            Example:
              nightjar-lab stop --directory lab --remove
            """)
    @OptionGroup var lab: DirectoryOption
    @Flag(help: "Remove the directory with everything in it.")
    var remove = false

    func run() async throws {
        var running = try Lab(directory: lab.directory)
        running.stop()
        if remove { try FileManager.default.removeItem(atPath: running.directory) }
    }
}

struct Env: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Print what a shell needs to use a lab.",
        discussion: """
            Example:
              eval "$(nightjar-lab env --directory lab)" && nightjar nodes
            """)
    @OptionGroup var lab: DirectoryOption

    func run() async throws {
        for (name, value) in try Lab(directory: lab.directory).environment {
            try Terminal.standard.print("export \(name)='\(value.replacingOccurrences(of: "'", with: "'\\''"))'")
        }
    }
}

struct PyMix: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pymix",
        abstract:
            "Show batching: 10 messages, a cascade of 3 nodes that flush at 5, 5 receivers, the order in and out.",
        discussion: """
            What PyMix's `make test` promises, with a verdict: every message arrives, once, at its receiver, and every batch
            leaves in another order than it came.

            Example:
              nightjar-lab pymix
            """)
    @Option(help: "A directory for the network; without it a temporary one.")
    var directory: String?

    func run() async throws {
        let place =
            directory
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("nightjar-pymix-\(getpid())").path
        let result = try await Cascade.run(directory: place, program: Programs.node)
        if directory == nil { try FileManager.default.removeItem(atPath: place) }
        for line in result.lines { try Terminal.standard.print(line) }
        if !result.isGood { throw CommandFailure("the cascade did not do what it must; see above") }
    }
}

enum Programs {
    /// `nightjar-node` beside this program.
    static var node: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("nightjar-node").path
    }
}
