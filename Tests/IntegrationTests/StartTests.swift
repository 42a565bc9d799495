// Starting and stopping as people do it, and what the programs say when something is wrong.

import Directory
import Foundation
import Glibc
import TestSupport
import Testing
import WireFormat

@testable import LabProgram

extension Integration {
    @Suite("Starting and stopping")
    struct StartTests {
        @Test("six nodes are ready in under ten seconds, and all gone after the stop", .timeLimit(.minutes(1)))
        func sixNodes() async throws {
            let begin = Date()
            let lab = try RunningLab(LabPlan())
            let seconds = Date().timeIntervalSince(begin)
            print("six nodes ready after \(seconds) s")
            #expect(seconds < 10)
            let pids = lab.nodes.compactMap { lab.node($0.name)?.pid }
            #expect(pids.count == 6 && pids.allSatisfy { $0 > 0 && kill($0, 0) == 0 })
            lab.stop()
            // A zombie is gone: whoever started it has only not looked yet.
            for pid in pids { #expect(!ProcessTable.isAlive(pid), "process \(pid) is still there") }
            for name in lab.names { #expect(lab.log(name).hasSuffix("info node: stopped\n")) }
        }

        @Test("the lab's program starts, shows and stops a network", .timeLimit(.minutes(3)))
        func labProgram() async throws {
            let directory = try TemporaryDirectory("nightjar-lab-program")
            let place = directory.file("lab")
            let started = try await Program.run(Program.lab, ["start", "--directory", place, "--nodes", "3", "--exits", "1", "--time-scale", "30"], seconds: 120)
            let lines = started.output.split(separator: "\n")
            let pids = lines.compactMap { $0.split(separator: " ").drop { $0 != "pid" }.dropFirst().first.flatMap { Int32($0) } }
            defer { for pid in pids where ProcessTable.isAlive(pid) { kill(pid, SIGKILL) } }
            #expect(started.code == 0, "\(started.errors)")
            // Three authorities and three nodes.
            #expect(pids.count == 6)
            let shown = try await Program.run(Program.lab, ["env", "--directory", place])
            #expect(shown.output.contains("export NIGHTJAR_LAB='\(place)'"))
            let again = try await Program.run(Program.lab, ["start", "--directory", place])
            #expect(again.code == 1)
            #expect(again.errors == "\(place) is not empty; run `nightjar-lab stop --directory \(place) --remove` or name another one\n")
            let stopped = try await Program.run(Program.lab, ["stop", "--directory", place, "--remove"])
            #expect(stopped.code == 0, "\(stopped.errors)")
            // Whoever inherits orphans here may not collect them: an ended process may still have its entry.
            for pid in pids { #expect(!ProcessTable.isAlive(pid), "process \(pid) is still there") }
            #expect(!FileManager.default.fileExists(atPath: place))
        }

        @Test("ten messages through a cascade that flushes at five", .timeLimit(.minutes(1)))
        func pymix() async throws {
            let result = try await Program.run(Program.lab, ["pymix"])
            print(result.output)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.output.contains("arrived once each: yes; at their receivers: yes; batch by batch: yes"))
        }

        /// A lab of one that is not running, and configurations like its first node's with one line changed.
        private struct Station {
            let lab: RunningLab
            let path: String
            let text: String

            init() throws {
                var plan = LabPlan()
                plan.nodes = 1
                plan.exits = 1
                // One line of each setting's name.
                plan.hasGateways = false
                lab = try RunningLab(plan, start: false)
                path = lab.configuration("alpha")
                text = try String(contentsOfFile: path, encoding: .utf8)
            }

            var data: String { lab.dataDirectory("alpha") }

            /// Runs the node with a line in place of the one that sets `key`.
            func run(_ command: String = "run", setting key: String? = nil, _ line: String = "") async throws -> String {
                let changed = text.split(separator: "\n", omittingEmptySubsequences: false)
                    .map { key.map($0.hasPrefix) == true ? Substring(line) : $0 }.joined(separator: "\n")
                try Data(changed.utf8).write(to: URL(fileURLWithPath: path))
                let result = try await Program.run(Program.node, [command, "--config", path], seconds: 20)
                #expect(result.output.isEmpty)
                return "\(result.code) \(result.errors)"
            }
        }

        @Test("a configuration that is wrong: the line, the reason, exit code 2", .timeLimit(.minutes(1)), arguments: ["run", "check-config"])
        func badConfiguration(_ command: String) async throws {
            let station = try Station()
            let path = station.path
            #expect(
                try await station.run(command, setting: "listen =", "lisen = [\"127.0.0.1:1\"]")
                    == "2 \(path):5: there is no setting 'lisen'; did you mean 'listen'?\n")
            #expect(
                try await station.run(command, setting: "nickname =", "nickname = \"two words\"")
                    == "2 \(path):2: 'nickname': a nickname has 1 to 24 letters, digits, - and _, starts with a letter, and is not 8 or more hexadecimal digits\n")
            try FileManager.default.removeItem(atPath: path)
            let missing = try await Program.run(Program.node, [command, "--config", path])
            #expect(missing.code == 2)
            #expect(missing.errors == "cannot read \(path): no such file or directory\n")
        }

        @Test("a data directory that is missing, open to others or in use", .timeLimit(.minutes(1)))
        func badDirectory() async throws {
            let station = try Station()
            let nowhere = station.data + "-elsewhere"
            #expect(
                try await station.run(setting: "data-directory", "data-directory = \"\(nowhere)\"")
                    == "1 \(nowhere) holds no node; run `nightjar-node init --config \(station.path)`\n")
            #expect(
                try await station.run("check-config", setting: "data-directory", "data-directory = \"\(nowhere)\"")
                    == "1 \(nowhere) is not there; run `nightjar-node init --config \(station.path)`\n")

            let key = station.data + "/identity.key"
            for command in ["run", "check-config"] {
                chmod(key, 0o644)
                #expect(try await station.run(command) == "1 \(key) can be read by others; run: chmod 600 \(key)\n")
                chmod(key, 0o600)
                chmod(station.data, 0o755)
                #expect(
                    try await station.run(command)
                        == "1 others may use the directory \(station.data); take that away with: chmod 700 \(station.data)\n")
                chmod(station.data, 0o700)
            }

            try station.lab.start("alpha")
            let pid = try #require(station.lab.node("alpha")?.pid)
            #expect(
                try await station.run()
                    == "3 process \(pid) is using this directory (lock \(station.data)/lock); stop it first, or wait until it is done\n")
            #expect(station.lab.isRunning("alpha"))
            station.lab.stop()
        }

        @Test("a network file that is missing, cut, forged or not the one that was meant", .timeLimit(.minutes(1)))
        func badNetworkFile() async throws {
            let station = try Station()
            let other = station.lab.networkFile + "-other"
            // What was trusted once is kept: a network file counts where there is none yet.
            func forget() throws { try FileManager.default.removeItem(atPath: station.data + "/directory") }
            try forget()
            #expect(
                try await station.run(setting: "network-file", "network-file = \"\(other)\"")
                    == "1 cannot read the network file \(other): get it from the people who run the network and name it in network-file\n")
            let whole = try Data(contentsOf: URL(fileURLWithPath: station.lab.networkFile))
            try whole.prefix(500).write(to: URL(fileURLWithPath: other))
            let cut = try await station.run(setting: "network-file", "network-file = \"\(other)\"")
            #expect(cut.hasPrefix("1 \(other) is not a network file: "))
            // One digit of a date: the signatures cover it.
            let text = String(decoding: whole, as: UTF8.self)
            let forged = text.replacing("\npublished 20", with: "\npublished 21")
            #expect(forged != text)
            try Data(forged.utf8).write(to: URL(fileURLWithPath: other))
            #expect(
                try await station.run(setting: "network-file", "network-file = \"\(other)\"")
                    == "1 the signature of authority sole on the network file is wrong: it was damaged or forged; fetch it again\n")
            let stranger = String(repeating: "ab", count: 32)
            let digest = try UnverifiedNetworkFile(Array(whole)).digest.hex
            for command in ["run", "check-config"] {
                #expect(
                    try await station.run(
                        command, setting: "network-file", "network-file = \"\(station.lab.networkFile)\"\nnetwork-digest = \"\(stranger)\"")
                        == "4 the network file has the fingerprint \(digest), not \(stranger); do not use it, and ask where it came from\n")
            }
        }
    }
}
