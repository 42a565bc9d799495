// A lab for a test: it goes with the value, and its processes go even if the test's own process is killed.

import Directory
import Foundation
import Glibc
import LabProgram
import Synchronization
import TestSupport
import WireFormat

final class RunningLab: Sendable {
    private let directory: TemporaryDirectory
    private let held: Mutex<Lab>
    private let guardian: Program
    let nodes: [LabNode]
    let authorities: [LabAuthority]
    let timeScale: Double
    let timeOrigin: Timestamp
    let networkFile: String

    /// Kills what runs out of a directory when its standard input ends: when this process has ended.
    private static let guardianScript = """
        read -r line
        for process in /proc/[0-9]*; do
            [ "${process#/proc/}" = $$ ] || ! grep -qsF "$1/" "$process/cmdline" || kill -9 "${process#/proc/}" 2>/dev/null
        done
        """

    /// Starts authorities, nodes and, if there is to be one, the nymserver; a pinger is started by its tests.
    /// - Parameter edit: changes a node's configuration before it is started.
    init(_ plan: LabPlan, start: Bool = true, edit: ((LabNode, inout String) -> Void)? = nil) throws {
        directory = try TemporaryDirectory("nightjar-lab")
        guardian = try Program("/bin/sh", ["-c", Self.guardianScript, "guardian", directory.path])
        var lab = try Lab.prepare(plan, directory: directory.file("lab"), program: Program.node)
        nodes = lab.nodes
        timeScale = lab.timeScale
        networkFile = lab.networkFile
        let origin = lab.environment.first { $0.name == "NIGHTJAR_TIME_ORIGIN" }
        timeOrigin = Timestamp(milliseconds: origin.flatMap { Int64($0.value) } ?? 0)
        for node in nodes {
            guard let edit else { break }
            var text = try String(contentsOfFile: lab.configuration(node.name), encoding: .utf8)
            edit(node, &text)
            try Data(text.utf8).write(to: URL(fileURLWithPath: lab.configuration(node.name)))
        }
        authorities = lab.authorities
        if start {
            for name in authorities.map(\.name) + nodes.map(\.name) { try lab.start(name) }
        }
        held = Mutex(lab)
        if start {
            try waitUntilReady()
            if plan.authorities > 0 { try waitForConsensus() }
            if plan.nymserver != nil { try self.start(Lab.nymserverName) }
        }
    }

    deinit {
        held.withLock { lab in
            for name in lab.processes where lab.isRunning(name) { try? lab.kill(name) }
        }
    }

    var names: [String] { nodes.map(\.name) }
    /// The nymserver's configuration and sockets; nil in a lab without one.
    var nymserver: LabNymserver? { held.withLock { $0.nymserver } }
    var exits: [LabNode] { nodes.filter(\.isExit) }
    func node(_ name: String) -> LabNode? { held.withLock { $0.nodes.first { $0.name == name } } }
    func log(_ name: String) -> String {
        FileManager.default.contents(atPath: held.withLock { $0.log(name) }).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    func configuration(_ name: String) -> String { held.withLock { $0.configuration(name) } }
    func dataDirectory(_ name: String) -> String { held.withLock { $0.dataDirectory(name) } }
    func isRunning(_ name: String) -> Bool { held.withLock { $0.isRunning(name) } }
    func kill(_ name: String) throws { try held.withLock { try $0.kill(name) } }
    func signal(_ name: String, _ number: Int32) throws { try held.withLock { try $0.signal(name, number) } }
    /// The network as a node sees it.
    func network(seenBy name: String? = nil) throws -> Network { try held.withLock { $0 }.network(seenBy: name) }
    func waitForConsensus() throws { try held.withLock { $0 }.waitForConsensus(seconds: 120) }
    /// The network's time.
    var now: Timestamp { held.withLock { $0 }.now }
    /// Pages, tables and the last report of the lab's pinger.
    var pingerOutput: String { held.withLock { $0.pingerOutput } }
    /// What `nightjar network add` takes; in a lab without authorities with the consensus.
    var networkArguments: [String] {
        guard authorities.isEmpty else { return [networkFile] }
        let files = held.withLock { $0.directoryFiles }
        return [networkFile, "--consensus", "\(files)/consensus", "--descriptors", "\(files)/descriptors"]
    }
    func waitUntilReady() throws { try held.withLock { $0 }.waitUntilReady(seconds: 60) }

    func start(_ name: String, environment: [String: String] = [:], waits: Bool = true) throws {
        try held.withLock { try $0.start(name, environment: environment) }
        if waits { try waitUntilReady() }
    }

    /// Stops all nodes in order.
    func stop() { held.withLock { $0.stop() } }

    /// Stops one node in order.
    func stop(_ name: String) async throws {
        try signal(name, SIGTERM)
        try await eventually("the end of \(name)", seconds: 30) { !isRunning(name) }
        // What is left of it: the process table's entry.
        try? kill(name)
    }

    /// The mails of a local user of an exit.
    func mails(_ exit: String, user: String = "postmaster") -> [Data] {
        let path = held.withLock { $0.maildir(exit, user: user) } + "/new"
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
            .compactMap { FileManager.default.contents(atPath: "\(path)/\($0)") }
    }

    /// All series of a node or the nymserver.
    func metrics(_ name: String) throws -> Metrics {
        let nymserver = name == Lab.nymserverName ? held.withLock { $0.nymserver?.monitorPort } : nil
        guard let port = node(name)?.monitorPort ?? nymserver else { throw TimedOut(description: "no node \(name)") }
        return Metrics(try HTTPText.get(port: port, path: "/metrics"))
    }

    /// Waits until no node holds anything, and returns the books.
    @discardableResult
    func quiet(seconds: Double = 60) async throws -> [String: Metrics] {
        var books: [String: Metrics] = [:]
        // Twice in a row: a page reads its counts one after the other, and the nodes are asked one after the other, so
        // that what ends or goes on meanwhile may be missing from both sides.
        var wasQuiet = false
        try await eventually("nothing is held anywhere (\(books.mapValues { $0["packets_held"] }))", seconds: seconds) {
            books = try Dictionary(uniqueKeysWithValues: names.map { ($0, try metrics($0)) })
            let isQuiet = books.values.allSatisfy {
                $0["spool_packets"] == 0 && $0["spool_shares"] == 0 && $0["spool_deliveries"] == 0 && $0["packets_held"] == 0
            }
            defer { wasQuiet = isQuiet }
            return wasQuiet && isQuiet
        }
        return books
    }
}

/// A node's series, asked for without their prefix; those that are not there are zero.
struct Metrics: Sendable {
    let values: [String: Double]

    init(_ text: String) {
        values = Dictionary(
            text.split(separator: "\n").filter { $0.hasPrefix("nightjar_") }.compactMap { line in
                let words = line.split(separator: " ")
                return words.count == 2 ? Double(words[1]).map { (String(words[0].dropFirst(9)), $0) } : nil
            }, uniquingKeysWith: { first, _ in first })
    }

    subscript(_ name: String) -> Int { Int(values[name] ?? 0) }
}

/// The smallest HTTP client.
enum HTTPText {
    static func get(port: Int, path: String) throws -> String {
        let handle = try LoopbackSocket(port: port)
        handle.send(Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8))
        let answer = String(decoding: handle.readToEnd(), as: UTF8.self)
        guard answer.hasPrefix("HTTP/1.1 200"), let body = answer.range(of: "\r\n\r\n") else {
            throw Program.Failure(description: "no answer from port \(port)")
        }
        return String(answer[body.upperBound...])
    }
}

/// A blocking TCP connection to this machine, for peers that are not what they should be; closed with the value.
final class LoopbackSocket {
    private let descriptor: Int32

    /// Connects, and gives up reading or writing after so many seconds without progress.
    init(port: Int, seconds: Int = 10) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Program.Failure(description: "no socket: \(String(cString: strerror(errno)))") }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = descriptor
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Program.Failure(description: "cannot connect to port \(port): \(reason)")
        }
    }

    deinit { close(descriptor) }

    /// Sends; false if the other side does not take it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool { Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count }

    /// All bytes until the other side closes or is silent for too long.
    func readToEnd() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return all }
            all += buffer[..<count]
        }
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw Program.Failure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
