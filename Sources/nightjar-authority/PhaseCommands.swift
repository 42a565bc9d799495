import ArgumentParser
import AuthorityProgram

/// The slot that a phase is of.
struct SlotOption: ParsableArguments {
    @OptionGroup var file: ConfigOption
    @Option(help: ArgumentHelp("The slot; left out, the one that runs now.", valueName: "number"))
    var slot: UInt64?

    var choice: SlotChoice { SlotChoice(configuration: file.config, slot: slot) }
}

struct Vote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vote",
        abstract: "Make this authority's vote of a slot, by hand.",
        discussion: """
            The authority must not run. A vote that was made is printed again.

            Example:
              nightjar-authority vote --output alice.vote
            """)
    @OptionGroup var slot: SlotOption
    @OptionGroup var output: OutputOption

    func run() async throws { try await AuthorityCommands().vote(slot.choice, output: output.output) }
}

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take documents of others from files.",
        discussion: """
            Votes, proposals, signatures, consensuses, evidence, and descriptors of
            nodes, several in one file if you like. The authority must not run.

            Examples:
              nightjar-authority import bob.vote carol.vote
              nightjar-authority import *.descriptor
            """)
    @Argument(help: "Files.", completion: .file())
    var files: [String] = []
    @OptionGroup var file: ConfigOption

    func run() async throws {
        try await AuthorityCommands().importDocuments(files, configuration: file.config)
    }
}

struct Propose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose",
        abstract: "Propose the votes that are here, as the leader of a slot.",
        discussion: """
            Only the slot's leader can; `vote` says who that is.

            Example:
              nightjar-authority propose --output slot.proposal
            """)
    @OptionGroup var slot: SlotOption
    @OptionGroup var output: OutputOption

    func run() async throws { try AuthorityCommands().propose(slot.choice, output: output.output) }
}

struct Tally: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tally",
        abstract: "Compute the consensus of the proposed votes, and sign nothing.",
        discussion: """
            All who tally the same votes get the same bytes.

            Example:
              nightjar-authority tally --output slot.unsigned
            """)
    @OptionGroup var slot: SlotOption
    @OptionGroup var output: OutputOption

    func run() async throws { try AuthorityCommands().tally(slot.choice, output: output.output) }
}

struct Sign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign the consensus of the proposed votes.",
        discussion: """
            First it is recorded that this and nothing else is signed in the slot.

            Example:
              nightjar-authority sign --output alice.signature
            """)
    @OptionGroup var slot: SlotOption
    @OptionGroup var output: OutputOption

    func run() async throws { try AuthorityCommands().sign(slot.choice, output: output.output) }
}

struct Assemble: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assemble",
        abstract: "Put consensus and signatures together.",
        discussion: """
            Example:
              nightjar-authority assemble --output consensus
            """)
    @OptionGroup var slot: SlotOption
    @OptionGroup var output: OutputOption

    func run() async throws { try await AuthorityCommands().assemble(slot.choice, output: output.output) }
}

struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Hand what was made for a slot to the other authorities, over HTTP.",
        discussion: """
            Exit code 3 if one of them does not have everything; try again.

            Example:
              nightjar-authority publish
            """)
    @OptionGroup var slot: SlotOption

    func run() async throws { try await AuthorityCommands().publish(slot.choice) }
}

struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Get votes, signatures and the consensus from the others, over HTTP.",
        discussion: """
            Example:
              nightjar-authority fetch
            """)
    @OptionGroup var slot: SlotOption

    func run() async throws { try await AuthorityCommands().fetch(slot.choice) }
}

struct Skip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Do nothing in the current slot and the next ones.",
        discussion: """
            After an older database was restored, which may have forgotten what was
            signed: before the authority is started.

            Example:
              nightjar-authority skip --slots 2
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "How many slots, the current one included.")
    var slots = 2

    func run() async throws { try AuthorityCommands().skip(configuration: file.config, count: slots) }
}
