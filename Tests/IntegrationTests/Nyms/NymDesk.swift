// A network with a nymserver behind real mail servers, and people who have nothing but the program `nightjar`.

import Foundation
import LabProgram
import Synchronization
import TestSupport
import WireFormat

/// The lab, its domain's mail servers, and the world outside.
final class NymDesk: Sendable {
    let mail: NymDomainMail
    let lab: RunningLab

    /// - Parameter change: of the plan before the lab is made.
    init(_ change: (inout LabPlan) -> Void = { _ in }) async throws {
        mail = try await NymDomainMail()
        var plan = LabPlan()
        plan.nodes = 5
        plan.exits = 2
        // A cycle of an hour is four seconds.
        plan.timeScale = 900
        plan.loopsPerMinute = 0
        plan.meanDelay = .seconds(30)
        plan.smarthost = "127.0.0.1:\(mail.outside.port)"
        plan.nymserver = "nym.example"
        plan.nymSmarthost = "127.0.0.1:\(mail.submissionPort)"
        plan.nymSockets = mail.sockets
        plan.retryPause = .minutes(2)
        change(&plan)
        lab = try RunningLab(plan)
    }

    /// What the logs end with, for failures.
    var logs: String {
        "postfix: \(mail.log.suffix(1500))\nnymserver: \(lab.log(Lab.nymserverName).suffix(1500))\nexit: "
            + "\(lab.log(lab.exits[0].name).suffix(800))"
    }

    /// A mail from outside by SMTP, which must be taken.
    func write(_ subject: String, to recipients: [String], body: String = "hello") async throws {
        let sent = try await mail.swaks(from: "b@outside.example", to: recipients, subject: subject, body: body)
        guard sent.code == 0 else {
            throw Program.Failure(description: "\(subject) was not taken: \(sent.output)\n\(logs)")
        }
    }
}

/// A user of `nightjar` in a lab.
final class NymUser: Sendable {
    let directory: TemporaryDirectory
    private let lab: RunningLab
    /// What others wrote down, for failures.
    private let logs: @Sendable () -> String
    private let read = Mutex("")

    convenience init(_ desk: NymDesk) async throws { try await self.init(desk.lab) { desk.logs } }

    init(_ lab: RunningLab, logs: @escaping @Sendable () -> String) async throws {
        self.lab = lab
        self.logs = logs
        directory = try TemporaryDirectory("nightjar-nym-user")
        try await must(["network", "add"] + lab.networkArguments)
    }

    var environment: [String: String] {
        [
            "NIGHTJAR_HOME": directory.file("home"), "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
            "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
        ]
    }

    func start(_ arguments: [String]) throws -> Program {
        try Program("\(Program.built)/nightjar", arguments, environment: environment)
    }

    func run(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
        let program = try start(arguments)
        let code = try await program.end(seconds: 120)
        return (code, program.output, program.errors)
    }

    /// Runs what must succeed; what it printed.
    @discardableResult
    func must(_ arguments: [String]) async throws -> String {
        let (code, output, errors) = try await run(arguments)
        guard code == 0 else {
            throw Program.Failure(
                description: "\(arguments.joined(separator: " ")) ended with \(code): \(output)\(errors)\n\(logs())")
        }
        return output
    }

    func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.file(name)))
        return directory.file(name)
    }

    /// What is said when a request to a mailbox was on its way for two thirds of a second of ours, which are ten minutes of
    /// the network's: the machine was held up.
    static let heldUp = "are more than 10 minutes apart"

    /// Makes a nym and waits until its server has answered.
    func create(_ address: String, packets: Int = 1) async throws {
        try await eventually("\(address) is asked for", seconds: 60) {
            let (code, output, errors) = try await run(["nym", "create", address, "--packets", String(packets)])
            // Without its mailbox nothing is asked for, and nothing kept.
            if errors.contains(Self.heldUp) { return false }
            guard code == 0 || code == 3 else {
                throw Program.Failure(description: "nym create: \(code) \(output)\(errors)")
            }
            return true
        }
        try await eventually("\(address) is there; \(logs())", seconds: 180, every: .seconds(1)) {
            _ = try await check()
            let status = try await must(["nym", "status", address, "--json"])
            return status.contains("active")
        }
    }

    /// Looks for new mail; everything that was shown so far.
    @discardableResult
    func check() async throws -> String {
        // Without `nightjar run` what could not be handed over waits for whoever asks.
        _ = try await run(["queue", "flush"])
        let (code, output, errors) = try await run(["nym", "check"])
        guard code == 0 || code == 3 || errors.contains(Self.heldUp) else {
            throw Program.Failure(description: "nym check: \(code) \(errors)")
        }
        return read.withLock { read in
            read += output
            return read
        }
    }

    /// Waits until something that came has these words.
    func came(_ words: String, seconds: Double = 120) async throws {
        var shown = ""
        do {
            try await eventually("\(words) came", seconds: seconds, every: .milliseconds(500)) {
                shown = try await check()
                return shown.contains(words)
            }
        } catch { throw TimedOut(description: "\(error); shown: \(shown.suffix(1500))\n\(logs())") }
    }

    func send(from nym: String, to recipient: String, subject: String, _ text: String) async throws {
        let sent = try await run([
            "nym", "send", nym, "--to", recipient, "--subject", subject, try file("letter", text),
        ])
        guard sent.code == 0 || sent.code == 3 else { throw Program.Failure(description: "nym send: \(sent)") }
        _ = try await run(["queue", "flush"])
    }
}
