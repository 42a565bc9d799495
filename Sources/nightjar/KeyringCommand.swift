import ArgumentParser
import ClientProgram

struct KeyringCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyring",
        abstract: "Show what your keyring holds, or set its passphrase.",
        discussion: """
            The keyring has the secrets of your identities, mailboxes and keys. Keep a copy of it: nobody can make it again.

            Examples:
              nightjar keyring show
              nightjar keyring passphrase
            """,
        subcommands: [KeyringShow.self, KeyringPassphrase.self])
}

struct KeyringShow: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show identities, mailboxes and keys, without their secrets.",
        discussion: """
            Example:
              nightjar keyring show --json
            """)
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().showKeyring(passphrase: passphrase.source, json: json.json)
    }
}

struct KeyringPassphrase: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "passphrase",
        abstract: "Set, change or remove the keyring's passphrase.",
        discussion: """
            Asks on the terminal, twice for the new one. Every command that needs the keyring then asks for it, or reads it \
            from --passphrase-fd. Older copies of the file still open with the passphrase that they had.

            Examples:
              nightjar keyring passphrase
              nightjar keyring passphrase --remove
              nightjar keyring passphrase --new-passphrase-fd 3 3< passphrase.txt
            """)
    @Option(help: ArgumentHelp("Read the new passphrase from this open descriptor, once.", valueName: "n"))
    var newPassphraseFd: Int?
    @Flag(help: "Take the passphrase away.")
    var remove = false
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    func validate() throws {
        if remove, newPassphraseFd != nil {
            throw ValidationError("--remove and --new-passphrase-fd exclude each other")
        }
    }

    func perform() async throws {
        try home.client().changePassphrase(
            passphrase: passphrase.source, new: PassphraseSource(descriptor: newPassphraseFd), remove: remove)
    }
}
