import ArgumentParser
import ClientProgram

/// The passphrase of a file, beside that of the keyring.
struct FilePassphraseOption: ParsableArguments {
    @Option(
        name: .customLong("file-passphrase-fd"),
        help: ArgumentHelp(
            "Read the file's passphrase from this open descriptor instead of the terminal.", valueName: "n"))
    var descriptor: Int?

    var source: PassphraseSource {
        get throws { try PassphraseSource(descriptor: descriptor) }
    }
}

struct NymExportCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a nym to a file, to keep or for another device.",
        discussion: """
            The file has the nym's keys, sealed with a passphrase of its own (Argon2id). A copy of the keyring has them \
            too.

            Example:
              nightjar nym export alice@nym.example --output alice.nym
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to make.", valueName: "file"))
    var output: String
    @OptionGroup var file: FilePassphraseOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try options.client().exportNym(
            nym, to: output, passphrase: options.passphrase.source, new: file.source)
    }
}

struct NymImport: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a nym out of a file.",
        discussion: """
            It can send from here at once. Its mail goes on to come to the device that had it before, until this one \
            takes it over: nym check NYM --renew.

            Example:
              nightjar nym import alice.nym
            """)
    @Argument(help: "The file.")
    var path: String
    @OptionGroup var file: FilePassphraseOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try options.client().importNym(path, passphrase: options.passphrase.source, file: file.source)
    }
}

struct NymLink: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "On a new device: show a code with which another one hands a nym over.",
        discussion: """
            Makes a mailbox to which only your devices can write what this one believes, and shows its code. Type the \
            code at nym approve on the device that has the nym. From then on that device passes every mail on to this \
            one. The node of the mailbox can read nothing.

            Examples:
              nightjar nym link
              nightjar nym link --wait 1h
            """)
    @Option(help: ArgumentHelp("The node of the mailbox; one is chosen at random without it.", valueName: "node"))
    var node: String?
    @Option(help: ArgumentHelp("Poll until the nym has come, at most so long, such as 1h.", valueName: "time"))
    var wait: Duration?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().linkNym(
            at: node, wait: wait?.interval, network: options.network.network, passphrase: options.passphrase.source,
            json: json.json)
    }
}

struct NymApprove: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Hand a nym over to the device that shows a code.",
        discussion: """
            Seals the nym's keys to the code and leaves them in the other device's mailbox. A code works once. This \
            device goes on to look after the nym. Without the code on the command line, where other users and the \
            shell's history see it, it is read from standard input.

            Examples:
              nightjar nym approve alice@nym.example --device laptop
              nightjar nym approve alice@nym.example alpha-abcde-fghij-klmno-pqrst-uvwxy-z2345 --device laptop
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Argument(help: "What nym link shows on the other device; read from standard input without it.")
    var code: String?
    @Option(help: ArgumentHelp("What you call the other device.", valueName: "name"))
    var device = "second"
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().approveNymDevice(
            nym, code: code, device: device, passphrase: options.passphrase.source)
    }
}

struct NymDevices: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Show the devices that a nym's mail is passed on to.",
        discussion: """
            Example:
              nightjar nym devices alice@nym.example
            """)
    @Argument(help: "The nym.")
    var nym: String
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try options.client().listNymDevices(nym, passphrase: options.passphrase.source, json: json.json)
    }
}

struct NymUnlink: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlink",
        abstract: "Pass nothing on to a device any more.",
        discussion: """
            The device keeps what it has, the keys too. If it was lost or stolen, change them: nym rotate.

            Example:
              nightjar nym unlink alice@nym.example laptop
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Argument(help: "The device, as nym devices shows it.")
    var device: String
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try options.client().unlinkNymDevice(nym, device: device, passphrase: options.passphrase.source)
    }
}
