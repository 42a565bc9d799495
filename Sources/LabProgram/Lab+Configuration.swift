// The configuration file of a lab's node.

internal import Directory
internal import Foundation
internal import WireFormat

extension Lab {
    func configurationText(_ node: LabNode, plan: LabPlan, origin: Timestamp) -> String {
        let deadLinks = plan.deadLinks.filter { $0.from == node.name }.map { "\"\($0.to)\"" }.joined(separator: ", ")
        var text = """
            # Made by nightjar-lab.
            nickname = "\(node.name)"
            data-directory = "\(dataDirectory(node.name))"
            network-file = "\(networkFile)"
            listen = ["127.0.0.1:\(node.port)"]
            addresses = ["127.0.0.1:\(plan.publishedPorts[node.name] ?? node.port)"]
            workers = 1

            [limits]
            # All peers of a lab are one address.
            connections-per-minute = 100000
            concurrent-connections = 4000
            frames-per-second = 1000000
            frame-burst = 1000000
            spool-packets = \(plan.spoolPackets)

            [metrics]
            port = \(node.monitorPort)
            resolution = "10ms"

            [mixing]
            strategy = "\(plan.strategy)"
            i-understand-this-is-not-anonymous = true

            [test]
            time-scale = \(plan.timeScale)
            time-origin = \(origin.milliseconds)
            drop-fraction = \(plan.dropAt[node.name] ?? plan.dropFraction)
            delay = "\((plan.delayAt[node.name] ?? .zero).milliseconds)ms"
            dead-links = [\(deadLinks)]

            """
        if let loops = plan.loopsPerMinute { text += "\n[cover]\nloops-per-minute = \(loops)\n" }
        if node.offersMailboxes { text += "\n[mailboxes]\nboxes = 10000\n" }
        guard node.isExit else { return text }
        text += """

            [exit]
            address = "anonymous@\(node.name).lab.example"
            complaints = "abuse@\(node.name).lab.example"
            recipient-burst = 1000000
            domain-burst = 1000000
            same-body = 0
            footer = "header"

            """
        for user in plan.localNames {
            text += "\n[[exit.mbox]]\nname = \"\(user)\"\ntarget = \"\(maildir(node.name, user: user))\"\n"
        }
        if let pause = plan.retryPause {
            text = text.replacingOccurrences(
                of: "recipient-burst", with: "retry-pause = \"\(pause.milliseconds)ms\"\nrecipient-burst")
        }
        if let port = node.gatewayPort {
            text += "\n[exit.gateway]\ndomain = \"\(node.gatewayDomain)\"\nlisten = \"127.0.0.1:\(port)\"\n"
        }
        if let smarthost = plan.smarthost, let address = NodeAddress(smarthost, defaultPort: 25) {
            text += """

                [exit.smtp]
                host = "\(address.host)"
                port = \(address.port)
                security = "none"
                hello = "\(node.name).lab.example"

                """
            if let timeout = plan.smtpTimeout { text += "timeout = \"\(timeout.milliseconds)ms\"\n" }
        }
        return text
    }
}
