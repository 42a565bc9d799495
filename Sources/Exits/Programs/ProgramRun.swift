// One run of a program: start, feed, wait, and kill what is left of its group.

private import Glibc
internal import Synchronization
internal import WireFormat

/// Blocks its thread until the program's end.
final class ProgramRun: Sendable {
    private let program: MailProgram
    private let environment: [String]
    private let limit: Interval
    private let stopped = Atomic(false)

    init(_ program: MailProgram, environment: [String], limit: Interval) {
        self.program = program
        self.environment = environment
        self.limit = limit
    }

    /// The program is killed within some tens of milliseconds.
    func stop() { stopped.store(true, ordering: .relaxed) }

    /// How long at most until a stop or the program's end is seen, in milliseconds.
    private static let patience: Int32 = 20

    func perform(head: [UInt8], body: ExitBody) -> ExitOutcome {
        guard !stopped.load(ordering: .relaxed) else { return .deferred(.shutdown) }
        guard let (process, input) = start() else { return .deferred(.programFailed) }
        let end = ContinuousClock.now + .milliseconds(limit.milliseconds)
        let interruption = feed(input, head, body, to: process, until: end)
        close(input)
        let outcome = interruption ?? awaitEnd(of: process, until: end)
        // Whatever it has left running in its group goes with it. It is reaped last, so that its number is still its own.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        if let outcome { return outcome }
        guard status & 0x7F == 0 else { return .deferred(.programFailed) }
        return MailProgram.outcome(ofStatus: (status >> 8) & 0xFF)
    }

    private static func openDescriptors() -> [Int32] {
        guard let directory = opendir("/proc/self/fd") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { found.append(number) }
        }
        return found
    }

    /// Its number and the end of the pipe to its standard input; nil if it cannot be started.
    private func start() -> (process: pid_t, input: Int32)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        // What it writes is of no use to anybody and may tell of the mail.
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Also the other programs' inputs, which would not end as long as this one held them. One that is closed meanwhile
        // does not matter.
        for descriptor in Self.openDescriptors() where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let words: [UnsafeMutablePointer<CChar>?] = ([program.path] + program.arguments).map { strdup($0) }
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) }
        defer { for text in words + variables { free(text) } }
        var process: pid_t = 0
        guard posix_spawn(&process, program.path, &actions, &attributes, words + [nil], variables + [nil]) == 0 else {
            close(ends[1])
            return nil
        }
        return (process, ends[1])
    }

    /// Writes the mail with LF line ends. Nil when it is written, or the program wants no more of it; else why it was not.
    private func feed(
        _ input: Int32, _ head: [UInt8], _ body: ExitBody, to process: pid_t, until end: ContinuousClock.Instant
    ) -> ExitOutcome? {
        var encoder = LineEncoder(.file)
        do {
            let read = try body.open()
            var piece: [UInt8]? = encoder.encode(head)
            while let bytes = piece {
                if let stopped = write(bytes, to: input, of: process, until: end) { return stopped.outcome }
                piece = try read().map { encoder.encode($0) }
            }
            return write(encoder.finish(), to: input, of: process, until: end)?.outcome
        } catch {
            return .deferred(.bodyUnreadable)
        }
    }

    /// Why no more is written: nil if the program wants no more, and its exit status says what it makes of what it got.
    private struct Stopped {
        let outcome: ExitOutcome?
    }

    /// Writes all of `bytes`; nil when they are written.
    private func write(
        _ bytes: [UInt8], to input: Int32, of process: pid_t, until end: ContinuousClock.Instant
    ) -> Stopped? {
        var rest = bytes[...]
        while !rest.isEmpty {
            if let interruption = interruption(until: end) { return Stopped(outcome: interruption) }
            var state = pollfd(fd: input, events: Int16(POLLOUT), revents: 0)
            guard poll(&state, 1, Self.patience) > 0 else {
                if hasEnded(process) { return Stopped(outcome: nil) }
                continue
            }
            let written = rest.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno != EAGAIN, errno != EINTR {
                return Stopped(outcome: nil)
            }
        }
        return nil
    }

    /// Nil when the program has ended by itself, else why it is to be killed.
    private func awaitEnd(of process: pid_t, until end: ContinuousClock.Instant) -> ExitOutcome? {
        while !hasEnded(process) {
            if let interruption = interruption(until: end) { return interruption }
            poll(nil, 0, Self.patience)
        }
        return nil
    }

    /// It stays to be reaped.
    private func hasEnded(_ process: pid_t) -> Bool {
        var information = siginfo_t()
        let found = waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        return found != 0 && errno != EINTR || found == 0 && information.si_signo == SIGCHLD
    }

    private func interruption(until end: ContinuousClock.Instant) -> ExitOutcome? {
        if stopped.load(ordering: .relaxed) { return .deferred(.shutdown) }
        return ContinuousClock.now >= end ? .deferred(.timeout) : nil
    }
}
