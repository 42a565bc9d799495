// The lab's pinger: one that every authority of the lab names.

internal import Daemon
private import Glibc
internal import PingerProgram
internal import WireFormat

extension Lab {
    /// Makes the pinger's configuration and keys; the network file must be there.
    /// - Returns: the digest of its key, as authorities name it.
    func makePinger(_ plan: LabPlan, origin: Timestamp) throws -> Digest {
        for path in [pingerDirectory, pingerOutput] { _ = try PrivateDirectory(path) }
        try AtomicFile.write(text: pingerText(plan, origin: origin), to: configuration(Self.pingerName))
        // What it says is for its operator; here nobody need copy a digest.
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(nowhere) }
        return try PingerCommands(terminal: Terminal(output: nowhere, errors: nowhere))
            .initialize(configuration(Self.pingerName), NewPinger())
    }

    private func pingerText(_ plan: LabPlan, origin: Timestamp) -> String {
        var text = """
            # Made by nightjar-lab.
            name = "\(Self.pingerName)"
            data-directory = "\(dataDirectory(Self.pingerName))"
            network-file = "\(networkFile)"
            output-directory = "\(pingerOutput)"

            """
        if let rate = plan.handshakesPerHour { text += "handshakes-per-hour = \(rate)\n" }
        if let rate = plan.probesPerHour { text += "probes-per-hour = \(rate)\n" }
        if let deadline = plan.probeDeadline { text += "deadline = \"\(deadline.milliseconds)ms\"\n" }
        if let poll = plan.probePoll { text += "poll-interval = \"\(poll.milliseconds)ms\"\n" }
        if let interval = plan.reportInterval { text += "\n[reports]\ninterval = \"\(interval.milliseconds)ms\"\n" }
        return text + """

            [test]
            time-scale = \(plan.timeScale)
            time-origin = \(origin.milliseconds)

            """
    }
}
