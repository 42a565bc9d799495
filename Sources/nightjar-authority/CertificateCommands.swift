import ArgumentParser
import AuthorityProgram

struct Certify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify",
        abstract: "Certify an authority's signing key, on the offline machine.",
        discussion: """
            Compare the fingerprint that it tells with what `init` showed. With
            --network it is checked that the identity is the one named there.

            Example:
              nightjar-authority certify --identity alice.key --request alice.request \\
                --network example.network --output alice.certificate
            """)
    @OptionGroup var identity: IdentityOption
    @Option(help: ArgumentHelp("The request, from the authority's machine.", valueName: "file"), completion: .file())
    var request: String
    @Option(help: ArgumentHelp("Days until it expires, at most 90.", valueName: "days"))
    var validDays = AuthorityCommands.longestDays
    @Option(help: ArgumentHelp("The network file or draft, to check against.", valueName: "file"), completion: .file())
    var network: String?
    @OptionGroup var output: OutputOption

    func run() async throws {
        try AuthorityCommands().certify(
            request: request, identity: identity.identity, validDays: validDays, network: network,
            output: output.output, passphrase: identity.passphrase.source)
    }
}

struct Certificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Renew, install and show this authority's certificate.",
        discussion: """
            Examples:
              nightjar-authority certificate show
              nightjar-authority certificate request --output alice.request
              nightjar-authority certificate install alice.certificate
            """,
        subcommands: [CertificateRequest.self, CertificateInstall.self, CertificateShow.self])
}

struct CertificateRequest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Print a request for a certificate, to be certified offline.",
        discussion: """
            For the key that is in use, or for a new one that takes its place when its
            certificate is installed.

            Examples:
              nightjar-authority certificate request > alice.request
              nightjar-authority certificate request --new-key --output alice.request
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "Make a new signing key, to follow the one in use.")
    var newKey = false
    @OptionGroup var output: OutputOption

    func run() async throws {
        try AuthorityCommands().requestCertificate(configuration: file.config, newKey: newKey, output: output.output)
    }
}

struct CertificateInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Check a certificate and put it into place.",
        discussion: """
            Example:
              nightjar-authority certificate install alice.certificate
            """)
    @Argument(help: "The certificate that `certify` made.", completion: .file())
    var certificate: String
    @OptionGroup var file: ConfigOption

    func run() async throws {
        try AuthorityCommands().installCertificate(certificate, configuration: file.config)
    }
}

struct CertificateShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show whose a certificate is and how long it lasts.",
        discussion: """
            Examples:
              nightjar-authority certificate show
              nightjar-authority certificate show alice.certificate --json
            """)
    @Argument(help: "The certificate; left out, the one in place.", completion: .file())
    var certificate: String?
    @OptionGroup var file: ConfigOption
    @OptionGroup var json: JSONOption

    func run() async throws {
        try AuthorityCommands().showCertificate(certificate, configuration: file.config, json: json.json)
    }
}
