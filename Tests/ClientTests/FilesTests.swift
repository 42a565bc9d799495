// The client's own files: settings with mistakes, directories of others, full disks, clocks that lie.

import Daemon
import Directory
import Foundation
import Glibc
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5)))
struct FilesTests {
    @Test func aTypoInTheSettingsIsFound() async throws {
        let user = try User()
        try user.configure(
            """
            netwrok = "testing"
            copies = 20
            path = "*9"
            timeout = "soon"

            """)
        #expect(
            try await user.run("nodes")
                == .failure(
                    2,
                    """
                    DIR/home/client.toml:1: there is no setting 'netwrok'; did you mean 'network'?
                    DIR/home/client.toml:2: 'copies' must be a whole number from 1 to 8, and is 20
                    DIR/home/client.toml:3: 'path': the path is not well-formed: `*9`: a number from 1 to 5 must follow
                    DIR/home/client.toml:4: 'timeout' must be a duration such as "500ms", "10s", "5m", "48h" or "7d", at least 1s, \
                    at most 1d, and is "soon"
                    """))
        try user.configure("copies = [\n")
        let run = try await user.run("nodes")
        #expect(run.code == 2 && run.messages.hasPrefix("DIR/home/client.toml:"), "\(run)")
    }

    @Test func theSampleNamesEverySetting() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sample = try String(contentsOf: root.appendingPathComponent("etc/client.toml"), encoding: .utf8)
        #expect(ConfigAudit.differences(keys: ClientConfig.keys, sample: sample) == [])
    }

    @Test func whatOthersCanReadIsNotUsed() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        chmod(user.home, 0o755)
        #expect(
            try await user.run("nodes")
                == .failure(1, "others may use the directory DIR/home; take that away with: chmod 700 DIR/home"))
        chmod(user.home, 0o700)
        chmod("\(user.home)/networks", 0o750)
        #expect(
            try await user.run("nodes")
                == .failure(
                    1,
                    "others may use the directory DIR/home/networks; take that away with: chmod 700 DIR/home/networks"))
        chmod("\(user.home)/networks", 0o700)
        try user.configure("")
        chmod("\(user.home)/client.toml", 0o644)
        #expect(
            try await user.run("nodes")
                == .failure(
                    1,
                    "others may use the file DIR/home/client.toml; take that away with: chmod 600 DIR/home/client.toml")
        )
        chmod("\(user.home)/client.toml", 0o600)
        #expect(try await user.run("nodes").code == 0)
    }

    @Test func whatIsMadeIsForTheUserAlone() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        _ = try await user.run("send", "--no-deliver", "--to", "alice@example.org", input: "Hello\n")
        let files = try #require(FileManager.default.enumerator(atPath: user.home))
        var count = 0
        for case let name as String in files {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(user.home)/\(name)")
            let mode = (attributes[.posixPermissions] as? Int) ?? -1
            #expect(mode == (attributes[.type] as? FileAttributeType == .typeDirectory ? 0o700 : 0o600), "\(name)")
            count += 1
        }
        #expect(count > 6)
    }

    @Test func aDirectoryOfAnotherUserIsNotTouched() async throws {
        let user = try User()
        // A directory that is not ours: for root one given away, for others a system's.
        var path = "/usr"
        if geteuid() == 0 {
            path = user.directory.file("foreign")
            mkdir(path, 0o700)
            chown(path, 65_534, 65_534)
        }
        let run = try await user.run("nodes", "--home", path)
        #expect(run.code == 1)
        #expect(run.messages.contains("belongs to user ") && run.messages.contains("run it as its owner"), "\(run)")
    }

    @Test func aFileWhereTheDirectoryShouldBe() async throws {
        let user = try User()
        let file = try user.file("file", "")
        let network = try user.file("network", TestNetwork().file.root.bytes)
        #expect(
            try await user.run("network", "add", network, "--home", file)
                == .failure(1, "DIR/file is not a directory; move it away or name another directory"))
    }

    @Test func placesFollowTheBaseDirectories() throws {
        let environment = ["HOME": "/home/u", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "relative"]
        let places = try ClientPlaces(home: nil, environment: environment)
        #expect(places.configuration == "/c/nightjar/client.toml")
        #expect(places.data == "/home/u/.local/share/nightjar")
        let one = try ClientPlaces(home: nil, environment: ["NIGHTJAR_HOME": "/n"])
        #expect(
            one.configuration == "/n/client.toml" && one.networks == "/n/networks" && one.queue(of: "x") == "/n/queue/x"
        )
        #expect(try ClientPlaces(home: "/h", environment: ["NIGHTJAR_HOME": "/n"]).data == "/h")
        #expect(throws: CommandFailure.self) { try ClientPlaces(home: nil, environment: [:]) }
    }

    @Test func aFullDiskQueuesNothingOfTheMail() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        // A first mail makes the queue while there is room.
        _ = try await user.run("send", "--no-deliver", "--to", "alice@example.org", input: "Hello\n")
        var random = SeededRandom(name: "aFullDisk")
        let mail = Array(Base64.encode(random.bytes(600_000)).utf8)
        let lines = stride(from: 0, to: mail.count, by: 76).flatMap { mail[$0..<min($0 + 76, mail.count)] + [13, 10] }
        let run = try await user.run(
            ["send", "--no-deliver", "--to", "bob@example.org"], input: lines, fileSizeLimit: 400_000)
        #expect(
            run
                == .failure(
                    3,
                    "no room on the disk for this mail's packets, so nothing of it was queued; make room and send it again"
                ))
        let left = try await user.run("queue", "list")
        #expect(left.output.contains("  1  "), "\(left)")
        // With room again the same mail goes.
        let again = try await user.run(["send", "--no-deliver", "--to", "bob@example.org"], input: lines)
        #expect(again.code == 0, "\(again)")
    }

    @Test func aFullQueueSaysWhatToDo() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        try user.configure("queue-limit = 5\n")
        func send(_ copies: Int) async throws -> Transcript {
            try await user.run(
                "send", "--no-deliver", "--copies", "\(copies)", "--to", "alice@example.org", input: "Hello\n")
        }
        #expect(try await send(4) == Transcript(messages: "4 packets wait in the queue; run: nightjar queue flush\n"))
        #expect(
            try await send(2)
                == .failure(
                    3,
                    "the queue has no room for this mail's 2 packets: it may hold 5 and 4 wait; run `nightjar queue flush`, "
                        + "or raise queue-limit in client.toml"))
        #expect(try await send(1).code == 0)
    }

    @Test func anotherStorageKeyDoesNotOpenTheQueue() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        _ = try await user.run("send", "--no-deliver", "--to", "alice@example.org", input: "Hello\n")
        _ = try user.file("home/storage.key", [UInt8](repeating: 1, count: 32))
        #expect(
            try await user.run("queue", "list")
                == .failure(
                    1,
                    "the key DIR/home/storage.key does not open the queue in DIR/home/queue/testing; put back the key it was made "
                        + "with, or move DIR/home/queue/testing away (what waits in it is then lost)"))
        _ = try user.file("home/storage.key", [1])
        #expect(
            try await user.run("queue", "list")
                == .failure(1, "DIR/home/storage.key is damaged: it must have 32 bytes; restore it from a backup"))
    }

    // MARK: Time

    @Test func scaledTimeIsForTestNetworksAlone() async throws {
        let origin = ScaledClock.systemTime().milliseconds - 3_600_000
        let fast = ["NIGHTJAR_TIME_SCALE": "10", "NIGHTJAR_TIME_ORIGIN": "\(origin)"]
        let user = try User()
        try await user.join(
            try TestNetwork {
                $0.name = "real"
                $0.isTest = false
            })
        #expect(
            try await user.run(["nodes"], environment: fast)
                == .failure(2, "NIGHTJAR_TIME_SCALE is set, but real is no test network; unset it"))
        try await user.join(try TestNetwork { $0.parameters.periodLength = .days(1) })
        // Ten hours on, in the network's time, at least.
        let run = try await user.run(
            ["send", "--no-deliver", "--network", "testing", "--to", "alice@example.org"], input: Array("Hello\n".utf8),
            environment: fast)
        let list = try await user.run(["queue", "list", "--network", "testing", "--json"], environment: fast)
        struct Entry: Decodable { var oldestDeadline: String }
        if run.code == 0 {
            let entry = try #require(try JSONDecoder().decode([Entry].self, from: Data(list.output.utf8)).first)
            let deadline = try #require(Timestamp(entry.oldestDeadline))
            #expect(deadline > ScaledClock.systemTime() + .hours(48) + .hours(8))
        } else {
            // Unless a new key period begins in these hours and its key has not been published.
            #expect(run.messages.contains("has published no key"), "\(run)")
        }
        #expect(
            try await user.run(["nodes"], environment: ["NIGHTJAR_TIME_SCALE": "10"])
                == .failure(
                    2,
                    "NIGHTJAR_TIME_SCALE needs NIGHTJAR_TIME_ORIGIN: when the network began, in milliseconds since 1970"
                ))
        #expect(
            try await user.run(["nodes"], environment: ["NIGHTJAR_TIME_SCALE": "fast"])
                == .failure(2, "NIGHTJAR_TIME_SCALE must be a number from 0.001 to 1000000"))
    }

    @Test func packetsPastTheirDeadlineAreToldOf() async throws {
        let user = try User()
        try await user.join(try TestNetwork())
        let now = ScaledClock.systemTime().milliseconds
        _ = try await user.run("send", "--no-deliver", "--to", "alice@example.org", input: "Hello\n")
        // Three days later by the network's clock.
        let late = ["NIGHTJAR_TIME_SCALE": "2", "NIGHTJAR_TIME_ORIGIN": "\(now - 3 * 86_400_000)"]
        #expect(
            try await user.run(["queue", "list"], environment: late)
                == Transcript(
                    output: "no packets wait\n",
                    messages: "1 packet had waited past their deadline and were given up; send those mails again\n"))
    }
}
