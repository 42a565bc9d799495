import ArgumentParser
import AuthorityProgram

struct Identity: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity",
        abstract: "Make and show the key that says who an authority is.",
        discussion: """
            Use these on a machine that is on no network; doc/AUTHORITY.md says how.

            Examples:
              nightjar-authority identity new --output alice.key > alice.identity
              nightjar-authority identity show bob.identity
            """,
        subcommands: [IdentityNew.self, IdentityShow.self])
}

struct IdentityNew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make an identity key and print its public document.",
        discussion: """
            Give the document to the other authorities. The key file has mode 0600
            and is never replaced.

            Examples:
              nightjar-authority identity new --output alice.key --passphrase \\
                > alice.identity
              nightjar-authority identity new --output alice.key --passphrase-fd 3 \\
                3< words > alice.identity
            """)
    @Option(
        name: .shortAndLong, help: ArgumentHelp("File for the key; must not exist.", valueName: "file"),
        completion: .file())
    var output: String
    @Flag(name: .customLong("passphrase"), help: "Ask for a passphrase that protects the key file.")
    var asks = false
    @OptionGroup var passphrase: PassphraseOption

    func run() async throws {
        let isProtected = asks || passphrase.descriptor != nil
        try AuthorityCommands().newIdentity(output, passphrase: isProtected ? passphrase.source : nil)
    }
}

struct IdentityShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the fingerprint of an identity, from its key or document.",
        discussion: """
            For a key file it prints the public document again.

            Examples:
              nightjar-authority identity show bob.identity
              nightjar-authority identity show alice.key > alice.identity
            """)
    @Argument(help: "A key file or a public document.", completion: .file())
    var file: String
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var json: JSONOption

    func run() async throws {
        try AuthorityCommands().showIdentity(file, passphrase: passphrase.source, json: json.json)
    }
}
