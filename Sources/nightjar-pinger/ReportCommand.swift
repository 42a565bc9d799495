import ArgumentParser
import PingerProgram

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show what is known of the nodes now, or give the last report to the authorities.",
        discussion: """
            Reads the database, beside a running pinger or without one, and changes
            nothing. RELIABILITY is the range that a node's own part of packets passed
            on lies in, by packets that it cannot tell from others; CONNECTS and MAIL are
            connections and test mails that worked.

            Exit code 0 if all is well, 3 if nothing can be said now (it says why) or an
            authority was not reached, 4 if an authority refuses the report.

            Examples:
              nightjar-pinger report
              nightjar-pinger report --json | jq '.nodes[] | .nickname'
              nightjar-pinger report --upload
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "Print JSON, with exact numbers: not for publication.")
    var json = false
    @Flag(help: "Give the last report that was made to all authorities now, and say what each answers.")
    var upload = false

    func run() async throws {
        if upload {
            try await PingerCommands().uploadReport(configuration: file.config, json: json)
        } else {
            try await PingerCommands().report(configuration: file.config, json: json)
        }
    }
}
