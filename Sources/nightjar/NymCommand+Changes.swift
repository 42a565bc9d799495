import ArgumentParser
import ClientProgram

struct NymGet: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Have mails sent that wait at the server.",
        discussion: """
            They come with the next packets: a class of one packet an hour brings some 600 KB a day.

            Example:
              nightjar nym get alice@nym.example 17 18
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Argument(help: "Numbers that nym list shows.")
    var items: [Int]
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().fetchNymMails(
            nym, items: items, deletes: false, passphrase: options.passphrase.source)
    }
}

struct NymDelete: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete mails at the server without reading them.",
        discussion: """
            Example:
              nightjar nym delete alice@nym.example 17
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Argument(help: "Numbers that nym list shows.")
    var items: [Int]
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().fetchNymMails(
            nym, items: items, deletes: true, passphrase: options.passphrase.source)
    }
}

struct NymAlias: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Give a nym another name, or take one away.",
        discussion: """
            An alias is an address of its own for the same nym; it costs work as a name does. Outside nobody sees \
            that both are one; the server does. An alias that was taken away is given to nobody again.

            Examples:
              nightjar nym alias alice@nym.example alice.books
              nightjar nym alias alice@nym.example alice.books --remove
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Argument(help: "The other name, with or without its domain.")
    var alias: String
    @Flag(help: "Take it away.")
    var remove = false
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().changeNymAlias(
            nym, alias: alias, removes: remove, passphrase: options.passphrase.source)
    }
}

struct NymPolicyCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Change how much comes, and what.",
        discussion: """
            Whoever watches the server sees to how many nyms 1, 2 and 4 packets go in each hour, and nothing of mail.

            Examples:
              nightjar nym policy alice@nym.example --packets 2
              nightjar nym policy alice@nym.example --synopsis-above 100000
              nightjar nym policy alice@nym.example --deliver synopses
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Option(help: ArgumentHelp("Packets in each hour: 1, 2 or 4.", valueName: "n"))
    var packets: Int?
    @Option(
        help: ArgumentHelp(
            "What comes by itself: whole mails, synopses of them, or nothing.", valueName: "whole|synopses|nothing"))
    var deliver = "whole"
    @Option(help: ArgumentHelp("Of mails larger than this only a synopsis comes; 0: of none.", valueName: "bytes"))
    var synopsisAbove = 0
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().changeNymPolicy(
            nym, packets: packets, delivers: deliver, synopsisAbove: synopsisAbove,
            passphrase: options.passphrase.source)
    }
}

struct NymRotate: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Change a nym's keys.",
        discussion: """
            Everything that comes after is sealed to the new keys, and the old ones sign nothing any more: whoever \
            has a copy of them, a lost device say, is shut out. Devices that mail is passed on to get the new keys. A \
            server remembers eight devices of a nym; a change of keys makes room, and works from a ninth one too.

            Example:
              nightjar nym rotate alice@nym.example
            """)
    @Argument(help: "The nym.")
    var nym: String
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try await options.clientUsingNetwork().rotateNymKeys(nym, passphrase: options.passphrase.source)
    }
}

struct NymClose: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "End a nym.",
        discussion: """
            The server erases it and gives the name to nobody again. When nym status says closed, --local forgets it here \
            too.

            Examples:
              nightjar nym close alice@nym.example --yes
              nightjar nym close alice@nym.example --local --yes
            """)
    @Argument(help: "The nym.")
    var nym: String
    @Flag(help: "Only forget it here: keys, and what is known of it.")
    var local = false
    @Flag(help: "Do it without being asked.")
    var yes = false
    @OptionGroup var options: NymOptions

    func perform() async throws {
        let client = local ? try options.client() : try await options.clientUsingNetwork()
        try await client.closeNym(
            nym, locally: local, isConfirmed: yes, passphrase: options.passphrase.source)
    }
}
