// The processes of a lab: started, killed, waited for.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
private import Glibc
public import WireFormat

extension Lab {
    func save() throws {
        try AtomicFile.write(Array(JSONEncoder().encode(state)), to: "\(directory)/lab.json")
    }

    /// Names of all processes: authorities, nodes, pinger, nymserver.
    public var processes: [String] {
        state.authorities.map(\.name) + state.nodes.map(\.name) + (state.pinger == nil ? [] : [Self.pingerName])
            + (state.nymserver == nil ? [] : [Self.nymserverName])
    }

    /// Process id of a node, an authority, the pinger or the nymserver; 0 if it was not started.
    public func pid(_ name: String) -> Int32 {
        if name == Self.pingerName { return state.pinger?.pid ?? 0 }
        if name == Self.nymserverName { return state.nymserver?.pid ?? 0 }
        return state.nodes.first { $0.name == name }?.pid ?? state.authorities.first { $0.name == name }?.pid ?? 0
    }

    private mutating func note(_ pid: Int32, of name: String) {
        if name == Self.pingerName { state.pinger?.pid = pid }
        if name == Self.nymserverName { state.nymserver?.pid = pid }
        if let index = state.nodes.firstIndex(where: { $0.name == name }) { state.nodes[index].pid = pid }
        if let index = state.authorities.firstIndex(where: { $0.name == name }) { state.authorities[index].pid = pid }
    }

    /// The program that is to run as `name`: beside `nightjar-node`.
    private func program(_ name: String) -> String {
        let beside =
            switch name {
            case Self.pingerName: "nightjar-pinger"
            case Self.nymserverName: "nightjar-nymserver"
            default: state.authorities.contains { $0.name == name } ? "nightjar-authority" : nil as String?
            }
        guard let beside else { return state.program }
        return URL(fileURLWithPath: state.program).deletingLastPathComponent().appendingPathComponent(beside).path
    }

    /// Starts a node, an authority, the pinger or the nymserver, which must not be running.
    /// - Parameter processor: the only processor that it may use, for measurements.
    public mutating func start(_ name: String, processor: Int? = nil, environment: [String: String] = [:]) throws {
        guard processes.contains(name) else { throw LabError("the lab has no \(name)") }
        try? FileManager.default.removeItem(atPath: "\(dataDirectory(name))/running")
        var command = [program(name), "run", "--config", configuration(name)]
        if let processor { command = ["/usr/bin/taskset", "-c", String(processor)] + command }
        let process = try ProcessTable.start(
            name, executable: command[0], arguments: Array(command.dropFirst()), log: log(name),
            environment: environment)
        note(process.pid, of: name)
        try save()
    }

    /// Sends a signal to a process.
    public func signal(_ name: String, _ number: Int32) throws {
        guard pid(name) > 0 else { throw LabError("\(name) is not running") }
        ProcessTable.signal(pid(name), number)
    }

    /// Kills a process as a power cut would, and waits until it is gone.
    public mutating func kill(_ name: String) throws {
        try signal(name, SIGKILL)
        try waitUntilGone(pid(name), seconds: 10)
        note(0, of: name)
        try save()
    }

    /// Whether a process is there.
    public func isRunning(_ name: String) -> Bool {
        guard pid(name) > 0 else { return false }
        ProcessTable.reap(pid(name))
        return ProcessTable.isAlive(pid(name))
    }

    /// Waits until everything that was started listens.
    public func waitUntilReady(seconds: Double = Lab.readyTimeout) throws {
        let end = Date().addingTimeInterval(seconds)
        for name in processes where pid(name) > 0 {
            while !FileManager.default.fileExists(atPath: "\(dataDirectory(name))/running") {
                try checkAlive(name)
                guard Date() < end else { throw LabError("\(name) is not ready; see \(log(name))") }
                usleep(20_000)
            }
        }
    }

    /// Waits until every node that was started knows a consensus that lists all of them as running.
    public func waitForConsensus(seconds: Double = Lab.consensusTimeout) throws {
        let end = Date().addingTimeInterval(seconds)
        let started = state.nodes.filter { $0.pid > 0 }
        let ids = Set(started.compactMap { NodeID(hex: $0.id) })
        for name in started.map(\.name) {
            while !knowsAll(name, ids) {
                for name in processes where pid(name) > 0 { try checkAlive(name) }
                guard Date() < end else {
                    throw LabError("\(name) has no consensus that lists all nodes as running; see \(log(name))")
                }
                usleep(50_000)
            }
        }
    }

    private func knowsAll(_ name: String, _ ids: Set<NodeID>) -> Bool {
        let cache = DirectoryCache(directory: dataDirectory(name) + "/directory")
        guard let network = try? cache.load(at: now) else { return false }
        return ids.isSubset(of: network.nodes.map(\.id))
            && ids.allSatisfy { network.standing(of: $0)?.flags.contains(.running) ?? false }
    }

    /// The network's time.
    public var now: Timestamp {
        ScaledClock(origin: Timestamp(milliseconds: state.timeOrigin), scale: state.timeScale).now()
    }

    private func checkAlive(_ name: String) throws {
        ProcessTable.reap(pid(name))
        guard ProcessTable.isAlive(pid(name)) else {
            throw LabError("\(name) has ended; its log \(log(name)) ends with:\n\(tail(log(name)))")
        }
    }

    /// Stops everything: asks, then insists.
    public mutating func stop() {
        for name in processes where pid(name) > 0 { ProcessTable.signal(pid(name), SIGTERM) }
        for name in processes where pid(name) > 0 {
            if (try? waitUntilGone(pid(name), seconds: 20)) == nil {
                ProcessTable.signal(pid(name), SIGKILL)
                try? waitUntilGone(pid(name), seconds: 5)
            }
            note(0, of: name)
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
