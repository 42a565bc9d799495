import Daemon
import TestSupport
import Testing
import WireFormat

/// What a small program might read.
struct SampleSettings {
    enum Strategy: String, CaseIterable, Sendable { case poisson, threshold }
    var name = ""
    var port = 0
    var delay = Interval.zero
    var quota = 0
    var strategy = Strategy.poisson
    var rate = 0.0
    var isTest = false
    var lists: [String] = []
    var data = ""
    var log: String?
    var exits: [(kind: String, limit: Int)] = []

    init(_ root: ConfigTable) {
        name = root.required("name", .string, doc: "what the node is called")
        isTest = root.value("test-network", .bool, default: false, doc: "Part of a test network.")
        data = root.value("data", .path, default: "data", doc: "Directory of the node's data.")
        log = root.optional("log-file", .path, doc: "Where to log.")
        let listen = root.table("listen")
        port = listen.value("port", .int(1...65_535), default: 48_099, doc: "TCP port for other nodes.")
        lists = listen.value("addresses", .strings, default: ["::"], doc: "Addresses to listen on.")
        let mix = root.table("mix")
        strategy = mix.value("strategy", .choice(Strategy.poisson), default: .poisson, doc: "The mixing rule.")
        delay = mix.value("delay", .duration(.seconds(1) ... .hours(1)), default: .minutes(2), doc: "Mean delay.")
        rate = mix.value("rate", .double(0...100), default: 6, doc: "Loops a minute.")
        quota = root.table("spool").value("quota", .size(1 << 20...1 << 40), default: 1 << 30, doc: "Most bytes.")
        for table in root.tables("exit") {
            let kind = table.required("kind", .string, doc: "smtp or maildir")
            exits.append((kind, table.value("limit", .int(1...10), default: 3, doc: "At one time.")))
            if kind == "pigeon" { table.report("kind", "there are no pigeons; use smtp or maildir") }
        }
    }

    static func read(_ text: String) throws -> SampleSettings {
        let file = try ConfigFile(text: text, name: "node.toml", directory: "/etc/nightjar")
        let settings = SampleSettings(file.root)
        try file.finish()
        return settings
    }
}

@Suite struct ConfigFileTests {
    func problems(_ text: String) -> [String] {
        let error = #expect(throws: ConfigError.self) { try SampleSettings.read(text) }
        #expect(error?.exitCode == .usage)
        return error?.description.split(separator: "\n").map { String($0) } ?? []
    }

    @Test func defaultsStandWhereNothingIsSet() throws {
        let settings = try SampleSettings.read("name = \"owl\"")
        #expect(settings.port == 48_099)
        #expect(settings.delay == .minutes(2))
        #expect(settings.data == "/etc/nightjar/data")
        #expect(settings.log == nil)
        #expect(settings.exits.isEmpty)
    }

    @Test func everyKindIsRead() throws {
        let settings = try SampleSettings.read(
            """
            name = 'owl'
            test-network = true
            data = "/var/lib/nightjar"
            log-file = "node.log"
            [listen]
            port = 9_000
            addresses = [
              "127.0.0.1", # with a comment
              "::1",
            ]
            [mix]
            strategy = "threshold"
            delay = "1500ms"
            rate = 2.5
            [spool]
            quota = "1.5 GiB"
            [[exit]]
            kind = "smtp"
            [[exit]]
            kind = "maildir"
            limit = 7
            """)
        #expect(settings.name == "owl" && settings.isTest && settings.port == 9000)
        #expect(settings.data == "/var/lib/nightjar" && settings.log == "/etc/nightjar/node.log")
        #expect(settings.lists == ["127.0.0.1", "::1"])
        #expect(settings.strategy == .threshold && settings.delay == .milliseconds(1500) && settings.rate == 2.5)
        #expect(settings.quota == 3 << 29)
        #expect(settings.exits.map(\.kind) == ["smtp", "maildir"] && settings.exits.map(\.limit) == [3, 7])
    }

    @Test func everyProblemIsSaidAtOnceWithItsLine() {
        let found = problems(
            """
            nmae = "owl"
            test-network = "yes"

            [listen]
            port = 70000
            addresses = [
               "a", 5,
            ]
            dellay = "5s"

            [mix]
            delay = "2 weeks"
            strategy = "poison"
            rate = true
            qouta = 5

            [spol]
            quota = "1 KiB"

            [[exit]]
            kind = "smtp"
            [[exit]]
            kind = "pigeon"
            limt = 5
            """)
        #expect(
            found == [
                "node.toml:1: there is no setting 'nmae'; did you mean 'name'?",
                "node.toml:2: 'test-network' must be true or false, and is \"yes\"",
                "node.toml:5: 'port' must be a whole number from 1 to 65535, and is 70000",
                "node.toml:6: 'addresses' must be a list of texts such as [\"a\", \"b\"], and is a list",
                "node.toml:9: there is no setting 'dellay' in [listen]",
                "node.toml:12: 'delay' must be a duration such as \"500ms\", \"10s\", \"5m\", \"48h\" or \"7d\", "
                    + "at least 1s, at most 1h, and is \"2 weeks\"",
                "node.toml:13: 'strategy' must be one of \"poisson\", \"threshold\", and is \"poison\"",
                "node.toml:14: 'rate' must be a number from 0.0 to 100.0, and is true",
                "node.toml:15: there is no setting 'qouta' in [mix]",
                "node.toml:17: there is no table [spol]; did you mean 'spool'?",
                "node.toml:23: 'kind': there are no pigeons; use smtp or maildir",
                "node.toml:24: there is no setting 'limt' in [exit[1]]; did you mean 'limit'?",
                "node.toml: 'name' is missing; give a text: what the node is called",
            ])
    }

    @Test func aSettingInTheWrongTableIsSentHome() {
        #expect(
            problems("name = \"owl\"\nport = 5\n[mix]\ntest-network = true") == [
                "node.toml:2: there is no setting 'port'; it belongs under [listen]",
                "node.toml:4: there is no setting 'test-network' in [mix]; it belongs above the first table",
            ])
    }

    @Test func tablesAndValuesAreNotConfused() {
        #expect(
            problems("name = \"owl\"\nlisten = 5\nexit = \"smtp\"") == [
                "node.toml:2: 'listen' must be a table, [listen], and is a whole number",
                "node.toml:3: 'exit' must be tables, [[exit]], and is a text",
            ])
        #expect(problems("[name]\nx = 1").first?.contains("'name' must be a text, and is a table") == true)
    }

    @Test(arguments: [
        ("name = \"owl\"\n\nport == 5", 3), ("name = \"owl", 1), ("a = 1\na = 2", 2), ("[a]\n[a]", 2),
        ("x = 1\n[.a]", 2), ("[]", 1), ("[[ ", 1), ("[[=]]", 1), ("x = \"\"\"\"\"\"\"\" # [\n[#", 2), ("[\u{e9}]", 1),
        ("name = \"a\\u0000b\"", 1), ("\n\nx = \"\0\"", 3),
    ])
    func whatIsNotTOMLIsSaidWithItsLine(text: String, line: Int) {
        let error = #expect(throws: ConfigError.self) { try ConfigFile(text: text, name: "node.toml") }
        #expect(error?.problems.count == 1)
        #expect(error?.problems.first?.line == line)
        #expect(error?.problems.first?.message.first?.isLowercase == true)
    }

    @Test func filesThatCannotBeReadSayWhy() throws {
        let directory = try TemporaryDirectory()
        let missing = #expect(throws: CommandFailure.self) { try ConfigFile(path: directory.file("none.toml")) }
        #expect(missing?.message == "cannot read \(directory.file("none.toml")): no such file or directory")
        #expect(missing?.code == .usage)
        try AtomicFile.write([0xFF, 0xFE], to: directory.file("latin.toml"))
        let latin = #expect(throws: CommandFailure.self) { try ConfigFile(path: directory.file("latin.toml")) }
        #expect(latin?.message.contains("UTF-8") == true)
        try AtomicFile.write([UInt8](repeating: 32, count: ConfigFile.sizeLimit + 1), to: directory.file("big.toml"))
        let big = #expect(throws: CommandFailure.self) { try ConfigFile(path: directory.file("big.toml")) }
        #expect(big?.message.contains("longer than") == true)
        try AtomicFile.write(text: "name = \"owl\"", to: directory.file("node.toml"))
        let file = try ConfigFile(path: directory.file("node.toml"))
        #expect(SampleSettings(file.root).data == directory.file("data"))
        try file.finish()
    }

    @Test func linesAreFoundBehindTextsAndListsOfSeveralLines() {
        let found = problems(
            """
            name = \"\"\"
            [not-a-table]
            port = 1 \\\"\"\" still
            \"\"\"
            data = '''a
            # = x'''
            listen.adresses = [["]", '#'], # ]
              []
            ]
            "log-flie" = "x"
            """)
        #expect(found.contains("node.toml:7: there is no setting 'adresses' in [listen]; did you mean 'addresses'?"))
        #expect(found.contains("node.toml:10: there is no setting 'log-flie'; did you mean 'log-file'?"))
    }

    @Test func linesAreCountedThroughOtherLineEnds() {
        #expect(problems("\r\nname = \"owl\"\r\n\r\nprot = 5\r\n") == ["node.toml:4: there is no setting 'prot'"])
    }

    @Test func randomTextNeverTraps() {
        var random = SeededRandom(name: "toml noise")
        let pieces = [
            "[", "]", "[[", "]]", "=", ".", "\"", "'", "\"\"\"", "#", "\n", "name", "exit", " ", "5", "\\", "{", "}",
            ",",
            "\r", "é", "-", "_", "0x", "1e", "T", "inf", ":", "2026-01-01", "\u{0}", "+", "true",
        ]
        func check(_ text: String) {
            do { _ = try SampleSettings.read(text) } catch { #expect(error is ConfigError) }
        }
        for _ in 0..<1000 {
            let text = (0..<Int.random(in: 0...30, using: &random)).compactMap { _ in
                pieces.randomElement(using: &random)
            }
            check(text.joined())
        }
        // A file as people write it, with slips.
        let good = Array(
            """
            name = "owl"
            data = '''x''' # where
            listen = { port = 9_000, addresses = ["a", "b"] }
            [mix]
            delay = "5s"
            rate = 2.5
            [[exit]]
            kind = \"\"\"
            smtp\"\"\"
            """)
        for _ in 0..<1500 {
            var text = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) { text.remove(at: place) }
                text.insert(contentsOf: pieces.randomElement(using: &random) ?? "", at: place)
            }
            check(String(text))
        }
    }
}

@Suite struct ConfigKeyTests {
    let keys = ConfigFile.keys { _ = SampleSettings($0) }

    @Test func readingNothingTellsEverySetting() {
        #expect(
            keys.map(\.path) == [
                "name", "test-network", "data", "log-file", "listen.port", "listen.addresses", "mix.strategy",
                "mix.delay", "mix.rate", "spool.quota", "exit[].kind", "exit[].limit",
            ])
        #expect(keys.first?.isRequired == true)
        #expect(keys.map { $0.standard ?? "-" }.contains("\"2m\""))
        #expect(keys.first { $0.path == "spool.quota" }?.standard == "\"1 GiB\"")
        #expect(keys.first { $0.path == "listen.addresses" }?.standard == "[\"::\"]")
    }

    @Test func aGeneratedSampleHoldsEverySettingAndReadsBack() throws {
        let sample = ConfigAudit.sample(keys)
        #expect(ConfigAudit.differences(keys: keys, sample: sample).isEmpty)
        #expect(try SampleSettings.read(sample).port == 48_099)
        // With the signs removed it still says the same.
        let open = sample.split(separator: "\n").map {
            $0.hasPrefix("#") && !$0.hasPrefix("# ") ? $0.dropFirst() : $0[...]
        }
        let settings = try SampleSettings.read(
            open.joined(separator: "\n").replacing("log-file = \"\"", with: "log-file = \"x\""))
        #expect(settings.delay == .minutes(2) && settings.exits.count == 1)
    }

    @Test func differencesAreNamed() {
        let sample = ConfigAudit.sample(keys).replacing("delay =", with: "dealy =")
        #expect(
            ConfigAudit.differences(keys: keys, sample: sample, manual: "name test\\-network data log-file port") == [
                "the sample has 'mix.dealy', which the program does not read", "the sample lacks 'mix.delay'",
                "the manual page lacks 'listen.addresses'", "the manual page lacks 'mix.strategy'",
                "the manual page lacks 'mix.delay'", "the manual page lacks 'mix.rate'",
                "the manual page lacks 'spool.quota'", "the manual page lacks 'exit[].kind'",
                "the manual page lacks 'exit[].limit'",
            ])
    }
}

@Suite struct ConfigTextTests {
    @Test(arguments: [
        ("10s", 10_000), ("5m", 300_000), ("48h", 172_800_000), ("7d", 604_800_000), ("250ms", 250), ("0s", 0),
    ])
    func durations(text: String, milliseconds: Int64) {
        #expect(ConfigText.duration(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "10", "s", "-5s", "1.5h", "5 s", "5S", "5w", "٣s", "99999999999999999s"])
    func notDurations(text: String) { #expect(ConfigText.duration(text) == nil) }

    @Test(arguments: [
        ("64 MiB", 64 << 20), ("64MiB", 64 << 20), ("1.5 GB", 1_500_000_000), ("10", 10), ("10 B", 10),
        ("1 TiB", 1 << 40),
    ])
    func sizes(text: String, bytes: Int) { #expect(ConfigText.size(text) == bytes) }

    @Test(arguments: ["", "MiB", "-1 B", "1 MIB", "1..5 B", ".5 KiB", "5. B", "99999999999 TiB", "1e5 B", "٣ B"])
    func notSizes(text: String) { #expect(ConfigText.size(text) == nil) }

    @Test func spellingReadsBack() {
        var random = SeededRandom(name: "spelling")
        for _ in 0..<500 {
            let number = Int.random(in: 0...1 << 40, using: &random)
            #expect(ConfigText.size(ConfigText.size(number)) == number)
            let interval = Interval.milliseconds(Int64(number))
            #expect(ConfigText.duration(ConfigText.duration(interval)) == interval)
        }
    }
}
