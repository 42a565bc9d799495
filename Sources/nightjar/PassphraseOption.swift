import ArgumentParser
import ClientProgram

/// Where the keyring's passphrase comes from, for the commands that open it.
struct PassphraseOption: ParsableArguments {
    @Option(
        name: .customLong("passphrase-fd"),
        help: ArgumentHelp(
            "Read the keyring's passphrase from this open descriptor instead of the terminal.", valueName: "n"))
    var descriptor: Int?

    var source: PassphraseSource {
        get throws { try PassphraseSource(descriptor: descriptor) }
    }
}
