import ArgumentParser
import ClientProgram

struct CheckConfig: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say whether client.toml is good, and everything that is wrong with it.",
        discussion: """
            Besides the file itself it checks that the nodes it names are in the installed networks, and that there is a \
            path as it wants them.

            Examples:
              nightjar check-config
              nightjar check-config --json
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client(isQuiet: true).checkConfig(json: json.json) }
}
