import ArgumentParser
import ClientProgram

struct Mailbox: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mailbox",
        abstract: "Make, show and delete places at nodes where answers wait for you.",
        discussion: """
            A mailbox is a key of yours; its name at the node is the key's hash. The node sees the address that makes and \
            polls it, how much waits in it and for how long. It does not see who writes, what, or whose answers they are.

            Examples:
              nightjar mailbox create
              nightjar mailbox list
              nightjar mailbox delete default --yes
            """,
        subcommands: [
            MailboxCreate.self, MailboxList.self, MailboxShow.self, MailboxConfigure.self, MailboxDelete.self,
        ])
}

/// What the commands about mailboxes take.
struct MailboxOptions: ParsableArguments {
    @OptionGroup var network: NetworkOption
    @Option(help: ArgumentHelp("Read the keyring's passphrase from this descriptor.", valueName: "number"))
    var passphraseFd: Int?
    @OptionGroup var home: HomeOption

    func passphrase() throws -> PassphraseSource { try PassphraseSource(descriptor: passphraseFd) }
}

struct MailboxCreate: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a mailbox at a node.",
        discussion: """
            The node is chosen at random among those that offer mailboxes. Answers to your reply blocks come to your first \
            mailbox; others can write to its address. With --introduced-only they need a token from you: nightjar contact \
            introduce.

            Examples:
              nightjar mailbox create
              nightjar mailbox create friends --at alpha --introduced-only
            """)
    @Argument(help: "What you call it; default if you say nothing.")
    var name: String?
    @Option(help: ArgumentHelp("The node.", valueName: "node"))
    var at: String?
    @Flag(help: "Only senders whom you have introduced may write; answers always come.")
    var introducedOnly = false
    @OptionGroup var json: JSONOption
    @OptionGroup var options: MailboxOptions

    func perform() async throws {
        try await options.home.client(using: options.network).showNewMailbox(
            name, at: at, introducedOnly: introducedOnly, network: options.network.network,
            passphrase: options.passphrase(), json: json.json)
    }
}

struct MailboxList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show your mailboxes and what their last poll said.",
        discussion: """
            Asks no node. The mailbox with a star is the one where reply blocks end if you say nothing else.

            Example:
              nightjar mailbox list
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var options: MailboxOptions

    func perform() async throws {
        try options.home.client().listMailboxes(
            network: options.network.network, passphrase: options.passphrase(), json: json.json)
    }
}

struct MailboxShow: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Ask the node of a mailbox how it stands.",
        discussion: """
            Examples:
              nightjar mailbox status
              nightjar mailbox status friends --json
            """)
    @Argument(help: "The mailbox; without it the one where reply blocks end.")
    var name: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: MailboxOptions

    func perform() async throws {
        try await options.home.client(using: options.network).showMailboxStatus(
            name, network: options.network.network, passphrase: options.passphrase(), json: json.json)
    }
}

struct MailboxConfigure: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract: "Change who may write to a mailbox, or where answers go.",
        discussion: """
            Examples:
              nightjar mailbox configure friends --introduced-only
              nightjar mailbox configure friends --default
            """)
    @Argument(help: "The mailbox; without it the one where reply blocks end.")
    var name: String?
    @Flag(help: "Only senders whom you have introduced may write; answers always come.")
    var introducedOnly = false
    @Flag(help: "Everybody may write.")
    var open = false
    @Flag(name: .customLong("default"), help: "Reply blocks end here if you say nothing else.")
    var isDefault = false
    @OptionGroup var json: JSONOption
    @OptionGroup var options: MailboxOptions

    func validate() throws {
        guard !(introducedOnly && open) else {
            throw ValidationError("--introduced-only and --open exclude each other")
        }
    }

    func perform() async throws {
        try await options.home.client(using: options.network).showConfiguredMailbox(
            name, introducedOnly: introducedOnly ? true : open ? false : nil, isDefault: isDefault,
            network: options.network.network, passphrase: options.passphrase(), json: json.json)
    }
}

struct MailboxDelete: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a mailbox and all that is in it.",
        discussion: """
            First at its node, then here. Answers to reply blocks that end there are lost afterwards.

            Examples:
              nightjar mailbox delete friends --yes
              nightjar mailbox delete friends --local --yes
            """)
    @Argument(help: "The mailbox.")
    var name: String
    @Flag(help: "Only here: its node is gone, or has forgotten it.")
    var local = false
    @Flag(help: "Do it without being asked.")
    var yes = false
    @OptionGroup var options: MailboxOptions

    func perform() async throws {
        try await options.home.client(using: options.network).removeMailbox(
            name, locally: local, isConfirmed: yes, network: options.network.network, passphrase: options.passphrase())
    }
}
