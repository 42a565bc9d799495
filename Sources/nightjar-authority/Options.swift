import ArgumentParser
import AuthorityProgram

/// Which authority.
struct ConfigOption: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The authority's configuration.", valueName: "file"),
        completion: .file())
    var config = "/etc/nightjar/authority.toml"
}

/// JSON instead of text.
struct JSONOption: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false
}

/// Where a result goes.
struct OutputOption: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write to this file and not to standard output.", valueName: "file"),
        completion: .file())
    var output: String?
}

/// The offline key, for the commands that use it.
struct IdentityOption: ParsableArguments {
    @Option(help: ArgumentHelp("File of this authority's identity key.", valueName: "file"), completion: .file())
    var identity: String
    @OptionGroup var passphrase: PassphraseOption
}

/// Where the passphrase of an identity key comes from.
struct PassphraseOption: ParsableArguments {
    @Option(
        name: .customLong("passphrase-fd"),
        help: ArgumentHelp(
            "Read the key's passphrase from this open descriptor, not from the terminal.", valueName: "n"))
    var descriptor: Int?

    var source: IdentityPassphrase {
        get throws { try IdentityPassphrase(descriptor: descriptor) }
    }
}
