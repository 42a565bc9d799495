import ArgumentParser
import PingerProgram

enum ExportForm: String, CaseIterable, ExpressibleByArgument {
    case json, csv, mlist, rlist, mlist2, rlist2, html

    var format: ExportFormat {
        switch self {
        case .json: .json
        case .csv: .csv
        case .mlist: .mlist
        case .rlist: .rlist
        case .mlist2: .mlist2
        case .rlist2: .rlist2
        case .html: .html
        }
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write what is known as tables, lists or pages.",
        discussion: """
            csv is three files, html all files that a web server shows; both need a
            directory. contrib/postgres/load puts the database itself, with every probe,
            into a PostgreSQL database.

            Examples:
              nightjar-pinger export --format json --output - | jq .within
              nightjar-pinger export --format mlist2 --output mlist2.txt
              nightjar-pinger export --format csv --output tables --since 2026-11-01
              nightjar-pinger export --format html --output /srv/www/pinger
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "json, csv, mlist, rlist, mlist2, rlist2 or html.")
    var format: ExportForm
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where to: a file, a directory, or - for standard output.", valueName: "path"),
        completion: .file())
    var output: String
    @Option(help: ArgumentHelp("Leave out what is older: a day or a time, in UTC.", valueName: "time"))
    var since: String?

    func run() async throws {
        try PingerCommands().export(
            ExportRequest(format: format.format, output: output, since: since), configuration: file.config)
    }
}
