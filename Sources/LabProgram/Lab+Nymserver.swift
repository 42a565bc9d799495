// The lab's nymserver: one domain of pseudonyms, served by the first exits.

internal import Daemon
internal import Directory
private import Glibc
internal import NymserverProgram
internal import WireFormat

/// The nymserver of a lab.
public struct LabNymserver: Codable, Sendable {
    public let domain: String
    /// Where it takes mail by LMTP: a socket's path or 127.0.0.1:port.
    public let lmtp: String
    /// Where Postfix asks before it takes a mail.
    public let policy: String
    public let monitorPort: Int
    public var pid: Int32
}

extension Lab {
    /// Makes the nymserver's configuration and keys; the network file must be there.
    func makeNymserver(_ plan: LabPlan, _ nymserver: LabNymserver, origin: Timestamp) throws {
        _ = try PrivateDirectory(nymserverDirectory)
        try AtomicFile.write(
            text: nymserverText(plan, nymserver, origin: origin), to: configuration(Self.nymserverName))
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(nowhere) }
        _ = try NymserverCommands(terminal: Terminal(output: nowhere, errors: nowhere))
            .initialize(configuration(Self.nymserverName), NewNymserver())
    }

    /// What an exit that serves the domain is told.
    func nymExitText(_ nymserver: LabNymserver) -> String {
        """

        [[exit.nym]]
        domain = "\(nymserver.domain)"
        deliver = "lmtp:\(nymserver.lmtp)"
        key-file = "\(dataDirectory(Self.nymserverName))/server.key"

        """
    }

    private func nymserverText(_ plan: LabPlan, _ nymserver: LabNymserver, origin: Timestamp) -> String {
        var text = """
            # Made by nightjar-lab.
            domain = "\(nymserver.domain)"
            operator = "operator@outside.example"
            data-directory = "\(dataDirectory(Self.nymserverName))"
            network-file = "\(networkFile)"
            lmtp = "\(nymserver.lmtp)"
            policy-listen = "\(nymserver.policy)"

            """
        if let pause = plan.retryPause { text += "retry-pause = \"\(pause.milliseconds)ms\"\n" }
        text += """

            [limits]
            # Names cost what a test can wait for.
            proof-of-work = \(plan.nymWorkBits)

            """
        if let quota = plan.nymQuota { text += "quota = \(quota)\n" }
        if let size = plan.nymMailSize { text += "mail-size = \(size)\n" }
        if let budget = plan.nymBudget { text += "daily-budget = \(budget)\n" }
        text += "\n[smtp]\nhello = \"mx.\(nymserver.domain)\"\nsecurity = \"none\"\n"
        if let smarthost = plan.nymSmarthost, let address = NodeAddress(smarthost, defaultPort: 25) {
            text += "host = \"\(address.host)\"\nport = \(address.port)\n"
        }
        return text + """

            [metrics]
            port = \(nymserver.monitorPort)
            resolution = "10ms"

            [test]
            time-scale = \(plan.timeScale)
            time-origin = \(origin.milliseconds)

            """
    }
}
