import ArgumentParser
import ClientProgram

struct ContactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contact",
        abstract: "Names, addresses and keys of the people you write to, and introductions to your mailbox.",
        discussion: """
            Where an address can stand, a contact's name can.

            Examples:
              nightjar contact add alice --address alice@example.org --key alice.key
              nightjar send --to alice < letter.eml
              nightjar contact introduce alice -o card.txt
              nightjar contact add bob --card card-from-bob.txt
            """,
        subcommands: [
            ContactAdd.self, ContactList.self, ContactShow.self, ContactRemove.self, ContactIntroduce.self,
        ])
}

struct ContactAdd: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a contact, or add to what is known of one.",
        discussion: """
            Examples:
              nightjar contact add alice --address alice@example.org
              nightjar contact add alice --key alice.key --fingerprint njk1-abcd-...
              nightjar contact add bob --card card.txt
            """)
    @Argument(help: "The name: lower-case letters, digits and single hyphens, dots or underscores between them.")
    var name: String
    @Option(help: ArgumentHelp("Where mail goes.", valueName: "address"))
    var address: String?
    @Option(help: ArgumentHelp("A file with the public key.", valueName: "file"), completion: .file())
    var key: String?
    @Option(help: ArgumentHelp("What the key's fingerprint must be.", valueName: "fingerprint"))
    var fingerprint: String?
    @Option(help: ArgumentHelp("What the contact's mailbox lets you in by: 32 hexadecimal digits.", valueName: "token"))
    var introduction: String?
    @Option(
        help: ArgumentHelp("A file with a card that the contact made for you.", valueName: "file"), completion: .file())
    var card: String?
    @Flag(help: "Replace another key that the contact has.")
    var replace = false
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = ContactRequest(name: name)
        request.address = address
        request.key = key
        request.fingerprint = fingerprint
        request.introduction = introduction
        request.card = card
        request.replace = replace
        try home.client().addContact(request)
    }
}

struct ContactList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show all contacts, and the aliases of client.toml.",
        discussion: """
            Example:
              nightjar contact list --json
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().listContacts(json: json.json) }
}

struct ContactShow: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what is known of a contact.",
        discussion: """
            Example:
              nightjar contact show alice
            """)
    @Argument(help: "The contact.")
    var name: String
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().showContact(name, json: json.json) }
}

struct ContactRemove: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a contact, and shut your mailbox to it.",
        discussion: """
            Example:
              nightjar contact remove alice
            """)
    @Argument(help: "The contact.")
    var name: String
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().removeContact(name, passphrase: passphrase.source) }
}

struct ContactIntroduce: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "introduce",
        abstract:
            "Make a card by which somebody can write to your mailbox, even if it takes mail from introduced senders only.",
        discussion: """
            Prints the card: your mailbox's address, a token for this contact, and your key. Give it to nobody else. With \
            nightjar contact remove the token is worth nothing any more.

            Examples:
              nightjar contact introduce alice -o card.txt
              nightjar contact introduce bob --mailbox private --key me
            """)
    @Argument(help: "Who gets the card; need not be a contact yet.")
    var name: String
    @Option(help: ArgumentHelp("One of your mailboxes; without it the default one.", valueName: "mailbox"))
    var mailbox: String?
    @Option(help: ArgumentHelp("One of your keys; without it the first one, if there is any.", valueName: "key"))
    var key: String?
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write the card to this file.", valueName: "file"),
        completion: .file())
    var output: String?
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client(using: network).introduce(
            name, mailbox: mailbox, key: key, network: network.network, output: output, passphrase: passphrase.source)
    }
}
