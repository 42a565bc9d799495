import Daemon
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite struct ProcessTests {
    @Test func exitCodesAreTheDocumentedOnes() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4])
        #expect(CommandFailure(wrapping: CommandFailure("x", code: .refused)).code == .refused)
        #expect(CommandFailure(wrapping: CancellationError()).code == .failed)
    }

    @Test func hardeningTakesEffect() throws {
        try Hardening.apply()
        #expect(!Hardening.isDumpable)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        #expect(limit.rlim_cur == 0 && limit.rlim_max == 0)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(Hardening.openFileLimit == Int(clamping: limit.rlim_max))
    }

    @Test func theServiceManagerIsTold() throws {
        let directory = try TemporaryDirectory("nj")
        let path = directory.file("s")
        let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(receiver) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(receiver, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func receive() -> String {
            var buffer = [UInt8](repeating: 0, count: 200)
            let count = recv(receiver, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        }
        let notify = Notify(socket: path)
        #expect(notify.tell(.ready))
        #expect(receive() == "READY=1\n")
        #expect(notify.tell(.status("5 packets\nREADY=1")))
        #expect(receive() == "STATUS=5 packetsREADY=1\n")
        #expect(notify.tell(.reloading))
        #expect(receive().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(notify.tell(.stopping))
        #expect(receive() == "STOPPING=1\n")
        #expect(!Notify(socket: nil).tell(.ready))
        #expect(!Notify(socket: directory.file("none")).tell(.ready))
        #expect(!Notify(socket: "@nightjar-test-nobody").tell(.ready))
        #expect(!Notify(socket: "relative").tell(.ready))
        #expect(!Notify(socket: "/" + String(repeating: "x", count: 200)).tell(.ready))
    }

    @Test func resultsAndMessagesGoTheirWays() throws {
        let directory = try TemporaryDirectory()
        let output = open(directory.file("out"), O_RDWR | O_CREAT, 0o600)
        let errors = open(directory.file("err"), O_RDWR | O_CREAT, 0o600)
        let terminal = Terminal(output: output, errors: errors)
        try terminal.print("result")
        terminal.message("cannot do it")
        terminal.progress("10 %")
        #expect(!terminal.showsProgress)
        #expect(try AtomicFile.read(directory.file("out"), limit: 100) == Array("result\n".utf8))
        #expect(try AtomicFile.read(directory.file("err"), limit: 100) == Array("cannot do it\n".utf8))
        close(output)
        close(errors)
        let full = open("/dev/full", O_WRONLY)
        let failure = #expect(throws: CommandFailure.self) { try Terminal(output: full, errors: full).print("x") }
        #expect(failure?.message == "cannot write the output: no space left on device")
        close(full)
    }
}

@Suite struct ClockTests {
    @Test func scaledTimeRunsFaster() {
        let origin = Timestamp(seconds: 1_800_000_000)
        let clock = ScaledClock(origin: origin, scale: 60)
        #expect(clock.scaled(origin) == origin)
        #expect(clock.scaled(origin + .seconds(1)) == origin + .minutes(1))
        #expect(ScaledClock(origin: origin, scale: .nan).scale == 1)
        #expect(ScaledClock(origin: origin, scale: -1).scale == 1)
        let fast = ScaledClock(origin: ScaledClock.systemTime(), scale: 1000)
        let delay = fast.realDelay(until: fast.now() + .hours(1))
        #expect(delay <= .milliseconds(3601) && delay > .milliseconds(600))
        #expect(ScaledClock.real.realDelay(until: Timestamp(milliseconds: .max)) == .seconds(86_400))
        #expect(ScaledClock.real.realDelay(until: Timestamp(milliseconds: .min)) == .zero)
    }

    @Test func aWrongClockIsNoticed() throws {
        try ScaledClock.checkPlausible()
        let failure = #expect(throws: CommandFailure.self) { try ScaledClock.checkPlausible(Timestamp(seconds: 5)) }
        #expect(failure?.message.contains("says 1970-01-01T00:00:05Z, which cannot be; set it") == true)
        #expect(failure?.code == .temporary)
        #expect(throws: CommandFailure.self) { try ScaledClock.checkPlausible(Timestamp(seconds: 40_000_000_000)) }
    }

    @Test(.timeLimit(.minutes(1))) func sleepersWakeInTheirOrder() async throws {
        let start = Timestamp(seconds: 1_800_000_000)
        let clock = ManualClock(start)
        let woken = Notes()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(until: start + .seconds(Int64(index)))
                    woken.add("\(index)")
                }
            }
            while clock.sleeperCount < 3 { await Task.yield() }
            #expect(clock.nextWake == start + .seconds(1))
            for index in 1...3 {
                clock.advance(by: .seconds(1))
                await woken.wait(for: "\(index)")
            }
            try await group.waitForAll()
        }
        #expect(woken.all == ["1", "2", "3"])
        try await clock.sleep(until: start)
        let sleeper = Task { try await clock.sleep(for: .hours(1)) }
        while clock.sleeperCount < 1 { await Task.yield() }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        #expect(clock.sleeperCount == 0)
    }
}

/// What happened, for those who wait for it.
final class Notes: Sendable {
    let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    func wait(for line: String, times: Int = 1) async {
        while lines.withLock({ $0.filter { $0 == line }.count }) < times { await Task.yield() }
    }
    var all: [String] { lines.withLock { $0 } }
    func has(_ line: String) -> Bool { lines.withLock { $0.contains(line) } }
}

/// One after the other: signals belong to the whole process.
@Suite(.serialized) struct DaemonGroupTests {

    final class Service1: Service {
        let notes: Notes
        init(_ notes: Notes) { self.notes = notes }
        func run() async throws {
            notes.add("running")
            try await gracefulShutdown()
            notes.add("stopped")
        }
    }

    @Test(.timeLimit(.minutes(1))) func aDaemonLivesBySignals() async throws {
        let directory = try TemporaryDirectory()
        let sink = try LogSink(.file(directory.file("log")))
        let notes = Notes()
        let signals = SignalSet()
        let actions = DaemonActions(
            reload: {
                notes.add("reload")
                if notes.all.filter({ $0 == "reload" }).count == 1 {
                    throw CommandFailure("node.toml:5: no such thing")
                }
            },
            reopen: {
                notes.add("reopen")
                try sink.reopen()
            })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await DaemonGroup.run(
                    [Service1(notes)], actions: actions, logger: sink.logger("test"), signals: signals,
                    notify: Notify(socket: nil), started: { await notes.wait(for: "running") })
                notes.add("ended")
            }
            await notes.wait(for: "running")
            // What is said at the start belongs into the first log.
            while !String(decoding: try AtomicFile.read(directory.file("log"), limit: 10_000), as: UTF8.self).contains(
                "started\n")
            { await Task.yield() }
            kill(getpid(), SIGPIPE)
            kill(getpid(), SIGHUP)
            await notes.wait(for: "reload")
            kill(getpid(), SIGHUP)
            await notes.wait(for: "reload", times: 2)
            rename(directory.file("log"), directory.file("log.1"))
            kill(getpid(), SIGUSR1)
            await notes.wait(for: "reopen")
            #expect(!notes.has("stopped"))
            kill(getpid(), SIGTERM)
            await notes.wait(for: "ended")
            #expect(notes.has("stopped"))
            try await group.waitForAll()
        }
        let old = String(decoding: try AtomicFile.read(directory.file("log.1"), limit: 10_000), as: UTF8.self)
        let new = String(decoding: try AtomicFile.read(directory.file("log"), limit: 10_000), as: UTF8.self)
        #expect(old.contains(" info test: started\n"))
        #expect(old.contains(" error test: the configuration stays as it was: node.toml:5: no such thing\n"))
        #expect(old.contains(" info test: configuration read again\n"))
        #expect(new.contains(" info test: logs opened anew\n"))
        #expect(new.contains(" info test: stopped\n"))
    }

    final class Stubborn: Service {
        let notes: Notes
        init(_ notes: Notes) { self.notes = notes }
        func run() async throws {
            notes.add("running")
            // Heeds cancellation, but no polite request.
            while !Task.isCancelled { await Task.yield() }
        }
    }

    @Test(.timeLimit(.minutes(1))) func theSecondSignalEndsItAtOnce() async throws {
        let directory = try TemporaryDirectory()
        let sink = try LogSink(.file(directory.file("log")))
        let notes = Notes()
        let signals = SignalSet()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await DaemonGroup.run(
                    [Stubborn(notes)], logger: sink.logger("test"), signals: signals, notify: Notify(socket: nil),
                    longestShutdown: .seconds(3600))
                notes.add("ended")
            }
            await notes.wait(for: "running")
            kill(getpid(), SIGINT)
            while !String(decoding: try AtomicFile.read(directory.file("log"), limit: 10_000), as: UTF8.self).contains(
                "stopping\n")
            { await Task.yield() }
            #expect(!notes.has("ended"))
            kill(getpid(), SIGINT)
            await notes.wait(for: "ended")
            try await group.waitForAll()
        }
    }

    final class Failing: Service {
        func run() async throws { throw CommandFailure("no disk", code: .temporary) }
    }

    @Test(.timeLimit(.minutes(1))) func aFailedServiceEndsTheOthers() async throws {
        let directory = try TemporaryDirectory()
        let sink = try LogSink(.file(directory.file("log")), level: .error)
        let notes = Notes()
        let failure = await #expect(throws: CommandFailure.self) {
            try await DaemonGroup.run(
                [Service1(notes), Failing()], logger: sink.logger("test"), signals: nil, notify: Notify(socket: nil))
        }
        #expect(failure?.code == .temporary)
    }
}
