// One real node process on one processor, relaying durably between two clients and a sink on the other processor: how many
// packets a second, what a packet costs, how near that is to what the cryptography alone allows, and how much memory it takes.

import Directory
import Foundation
import Glibc
import LabProgram
import MMTP
import MixCrypto
import NIOCore
import NIOPosix
import Sphinx
import Synchronization
import WireFormat

/// What is measured of a relaying node.
struct RelayFigures: Codable {
    var packetsPerSecond: Double
    var cpuMicrosecondsPerPacket: Double
    var unwrapMicroseconds: Double
    var tlsMicrosecondsPerSide: Double
    var shareOfCryptographicLimit: Double
    var residentMegabytes: Double
    var packets: Int
    /// With `--queued`: packets held, and the memory of a node that holds them.
    var queued: Int?
    var queuedResidentMegabytes: Double?
}

struct RelayBenchmark {
    /// `nightjar-node`, built for release.
    let nodeProgram: String
    let packets: Int
    let queued: Int
    let directory: String

    /// What a side of TLS costs for one frame, as measured apart; part of the limit that the share refers to.
    static let tlsMicrosecondsPerSide = 20.0
    static let clients = 2

    func run() async throws -> RelayFigures {
        var plan = LabPlan()
        plan.nodes = 2
        plan.exits = 0
        plan.loopsPerMinute = 0
        plan.spoolPackets = max(250_000, 2 * queued)
        let lab = try Lab.prepare(plan, directory: directory, program: nodeProgram)
        let network = try lab.network()
        guard let relay = network.node(named: lab.nodes[0].name), let sinkNode = network.node(named: lab.nodes[1].name)
        else {
            throw BenchmarkError("the lab has lost its nodes")
        }
        let maker = PacketMaker(network: network, path: [relay, sinkNode])
        note("making \(packets) packets")
        let prepared = try maker.make(packets)
        let unwrap = try measureUnwrap(Array(prepared.prefix(400)), lab: lab, node: relay)

        try pin(to: 1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sink = Sink(expected: packets)
        let identity = try SigningKey(
            seed: SecretFile.read("\(lab.dataDirectory(lab.nodes[1].name))/identity.key", count: 32))
        var configuration = ListenerConfiguration()
        configuration.limits = .singleBlock
        let listener = try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: lab.nodes[1].port)],
            identity: LinkIdentity(identity, now: Self.now()),
            receiver: sink, configuration: configuration, group: group, clock: Self.now, count: { _, _ in })
        var running = lab
        try running.start(running.nodes[0].name, processor: 0)
        defer { running.stop() }
        try running.waitUntilReady()
        let pid = running.nodes[0].pid

        note("relaying")
        let before = try ProcessFigures(pid)
        let start = ContinuousClock.now
        try await send(prepared, to: relay, port: running.nodes[0].port, group: group)
        await sink.waitUntilComplete()
        let seconds = (ContinuousClock.now - start).seconds
        let after = try ProcessFigures(pid)
        await listener.shutdown(grace: .seconds(2))

        let rate = Double(packets) / seconds
        var figures = RelayFigures(
            packetsPerSecond: rate,
            cpuMicrosecondsPerPacket: (after.cpuSeconds - before.cpuSeconds) / Double(packets) * 1e6,
            unwrapMicroseconds: unwrap, tlsMicrosecondsPerSide: Self.tlsMicrosecondsPerSide,
            shareOfCryptographicLimit: rate * (unwrap + 2 * Self.tlsMicrosecondsPerSide) / 1e6,
            residentMegabytes: after.peakMegabytes, packets: packets)
        if queued > 0 {
            note("queueing \(queued) packets for a node that is down")
            let step = 4000
            for start in stride(from: 0, to: queued, by: step) {
                let batch = try maker.make(min(step, queued - start))
                try await send(batch, to: relay, port: running.nodes[0].port, group: group)
            }
            figures.queued = queued
            figures.queuedResidentMegabytes = try ProcessFigures(pid).peakMegabytes
        }
        try await group.shutdownGracefully()
        return figures
    }

    /// Sends over two connections at a time; every packet is acknowledged when this returns.
    private func send(
        _ packets: [[UInt8]], to node: Descriptor, port: Int, group: MultiThreadedEventLoopGroup
    ) async throws {
        var dialing = DialerConfiguration()
        dialing.packetsPerConnection = packets.count
        dialing.queueLimit = packets.count + 64
        let dialer = try MMTPDialer(configuration: dialing, group: group, clock: Self.now)
        let address = LinkAddress(host: "127.0.0.1", port: port)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let share = (packets.count + Self.clients - 1) / Self.clients
            for client in 0..<Self.clients {
                let mine = Array(packets[min(client * share, packets.count)..<min((client + 1) * share, packets.count)])
                tasks.addTask {
                    let connection = try await dialer.connect(to: node.id, at: [address])
                    for start in stride(from: 0, to: mine.count, by: 256) {
                        let outcomes = await connection.send(Array(mine[start..<min(start + 256, mine.count)]))
                        guard outcomes.allSatisfy({ $0 == .received }) else {
                            throw BenchmarkError(
                                "the node did not take a packet: \(outcomes.first { $0 != .received }!)")
                        }
                    }
                    connection.finish()
                }
            }
            try await tasks.waitForAll()
        }
    }

    private func measureUnwrap(_ packets: [[UInt8]], lab: Lab, node: Descriptor) throws -> Double {
        let directory = "\(lab.dataDirectory(lab.nodes[0].name))/packet-keys"
        var keys = Keys()
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            guard let number = UInt16(name.dropLast(4)) else { continue }
            keys.keys[KeyPeriod(number)] = try KEMPrivateKey(seed: SecretFile.read("\(directory)/\(name)", count: 32))
        }
        let unwrapper = Unwrapper(node: node.id)
        var times: [Double] = []
        for packet in packets {
            let start = ContinuousClock.now
            _ = try unwrapper.unwrap(packet, keys: keys) { _, _ in false }
            times.append((ContinuousClock.now - start).seconds * 1e6)
        }
        return times.sorted()[times.count / 2]
    }

    private struct Keys: PacketKeys {
        var keys: [KeyPeriod: KEMPrivateKey] = [:]
        func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
    }

    /// Keeps this process with all its threads on one processor.
    private func pin(to processor: Int) throws {
        guard ProcessInfo.processInfo.processorCount > processor else { return }
        let taskset = Process()
        taskset.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        taskset.arguments = ["-a", "-c", "-p", String(processor), String(getpid())]
        taskset.standardOutput = FileHandle.nullDevice
        try taskset.run()
        taskset.waitUntilExit()
        guard taskset.terminationStatus == 0 else { throw BenchmarkError("taskset failed; install util-linux") }
    }

    private func note(_ text: String) { FileHandle.standardError.write(Data("bench relay: \(text)\n".utf8)) }

    @Sendable static func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Packets along a fixed path, without delay.
private struct PacketMaker {
    let network: Network
    let path: [Descriptor]

    func make(_ count: Int) throws -> [[UInt8]] {
        let now = RelayBenchmark.now()
        let selector = PathSelector(network: network, at: now)
        let hops = try selector.hops(path, delays: path.map { _ in 0 }, at: now)
        let content = [UInt8](repeating: 7, count: Geometry.suite1.contentSize)
        var packets = [[UInt8]](repeating: [], count: count)
        // All processors: making a packet costs more than relaying it.
        let builder = PacketBuilder()
        let failure = Mutex<String?>(nil)
        packets.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let slots = buffer
            DispatchQueue.concurrentPerform(iterations: count) { index in
                var generator = SystemRandomNumberGenerator()
                do { slots[index] = try builder.build(content: content, path: hops, using: &generator) } catch {
                    failure.withLock { $0 = "\(error)" }
                }
            }
        }
        if let text = failure.withLock({ $0 }) { throw BenchmarkError(text) }
        return packets
    }
}

/// The next node: acknowledges everything at once.
private final class Sink: PacketReceiver {
    private struct State {
        var left: Int
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state: Mutex<State>

    init(expected: Int) { state = Mutex(State(left: expected)) }

    func receive(_ packets: [InboundPacket]) {
        var answers = AnswerBatch()
        for packet in packets { answers.add(packet, .received) }
        answers.send()
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.left -= packets.count
            guard state.left <= 0 else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func waitUntilComplete() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.left <= 0 { return true }
                state.waiter = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}

/// What the kernel says of a process.
private struct ProcessFigures {
    let cpuSeconds: Double
    let peakMegabytes: Double

    init(_ pid: Int32) throws {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
            let status = FileManager.default.contents(atPath: "/proc/\(pid)/status")
        else { throw BenchmarkError("the node has ended") }
        // Fields 14 and 15, counted behind the name, which may hold blanks.
        let text = String(decoding: stat, as: UTF8.self)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        cpuSeconds = ((Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)) / ticks
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        peakMegabytes =
            (Double(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "0") ?? 0) / 1024
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
