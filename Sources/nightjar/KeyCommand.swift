import ArgumentParser
import ClientProgram

struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Keys to which mail can be sealed, so that no exit can read it.",
        discussion: """
            Examples:
              nightjar key new me
              nightjar key export me -o me.key
              nightjar key import alice.key --name alice --fingerprint njk1-...
              nightjar send --to alice --encrypt-to alice < letter.eml
            """,
        subcommands: [KeyNew.self, KeyList.self, KeyShow.self, KeyExport.self, KeyImport.self, KeyDelete.self])
}

struct KeyNew: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make a key in your keyring; prints its fingerprint.",
        discussion: """
            Example:
              nightjar key new me
            """)
    @Argument(help: "What you call it; others do not see the name.")
    var name: String
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().makeKey(name, passphrase: passphrase.source) }
}

struct KeyList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show your own keys.",
        discussion: """
            Example:
              nightjar key list --json
            """)
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().listKeys(passphrase: passphrase.source, json: json.json) }
}

struct KeyShow: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the fingerprint of one of your keys, or of a contact's.",
        discussion: """
            Examples:
              nightjar key show
              nightjar key show me --qr
              nightjar key show alice
            """)
    @Argument(help: "A key of yours, or a contact; without it your first key.")
    var name: String?
    @Flag(help: "Show the public key as a QR code too, 133 columns wide.")
    var qr = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().showKey(name, qr: qr, passphrase: passphrase.source, json: json.json)
    }
}

struct KeyExport: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print the public half of a key for others, as armor.",
        discussion: """
            Examples:
              nightjar key export > me.key
              nightjar key export me --qr
            """)
    @Argument(help: "The key; without it your first one.")
    var name: String?
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write it to this file.", valueName: "file"), completion: .file())
    var output: String?
    @Flag(help: "Show it as a QR code, 133 columns wide.")
    var qr = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().exportKey(name, output: output, qr: qr, passphrase: passphrase.source)
    }
}

struct KeyImport: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Keep somebody's public key under a contact's name; prints its fingerprint.",
        discussion: """
            Compare the fingerprint with the owner, or give it with --fingerprint: then another key is refused.

            Examples:
              nightjar key import alice.key
              nightjar key import mail.eml --name alice --fingerprint njk1-abcd-...
            """)
    @Argument(
        help: "A file with the key: armor, also within a mail, bytes, or the text of a QR code.", completion: .file())
    var file: String
    @Option(help: ArgumentHelp("Whose key it is; otherwise the file's name.", valueName: "contact"))
    var name: String?
    @Option(help: ArgumentHelp("What the fingerprint must be.", valueName: "fingerprint"))
    var fingerprint: String?
    @Flag(help: "Replace another key that the contact has.")
    var replace = false
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().importKey(file, name: name, fingerprint: fingerprint, replace: replace)
    }
}

struct KeyDelete: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Destroy one of your keys; mail sealed to it can never be read again.",
        discussion: """
            Example:
              nightjar key delete old --yes
            """)
    @Argument(help: "The key.")
    var name: String
    @Flag(help: "Do it.")
    var yes = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().deleteKey(name, isConfirmed: yes, passphrase: passphrase.source)
    }
}
