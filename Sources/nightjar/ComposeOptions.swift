import ArgumentParser
import ClientProgram

/// What a message is made of: the same for `send`, `reply` and `count-packets`.
struct ComposeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Replaces the mail's subject.", valueName: "text"))
    var subject: String?
    @Option(help: ArgumentHelp("Name shown to the recipient, marked as unverified.", valueName: "name"))
    var fromName: String?
    @Option(
        help: ArgumentHelp("Message id, with its angle brackets, of the mail that this one answers.", valueName: "id"))
    var inReplyTo: String?
    @Option(
        help: ArgumentHelp(
            "Message ids, with their angle brackets and blanks between, of the thread that this belongs to.",
            valueName: "ids"))
    var references: String?
    @Flag(help: "The input is not a mail but bytes, such as a file, to be delivered as they are.")
    var raw = false
    @Option(
        help: ArgumentHelp(
            "Seal the message, so that the exit cannot read it: a contact's name, a file with a public key, or the key.",
            valueName: "key"))
    var encryptTo: String?
    @Flag(help: "Do not seal messages to contacts whose key is known.")
    var noEncrypt = false
    @Option(
        help: ArgumentHelp("Enclose so many reply blocks, 1 to 32, with which you can be answered.", valueName: "n"))
    var enclose: Int?
    @Option(help: ArgumentHelp("The identity that enclosed reply blocks belong to.", valueName: "name"))
    var identity: String?
    @OptionGroup var passphrase: PassphraseOption

    func validate() throws {
        if noEncrypt, encryptTo != nil { throw ValidationError("--encrypt-to and --no-encrypt exclude each other") }
        if let enclose, !(1...ComposeRequest.maximumEnclosed).contains(enclose) {
            throw ValidationError("--enclose takes 1 to \(ComposeRequest.maximumEnclosed)")
        }
    }

    /// The message that `file` and these options make.
    func request(file: String?) throws -> ComposeRequest {
        var request = ComposeRequest(file: file)
        request.subject = subject
        request.displayName = fromName
        request.inReplyTo = inReplyTo
        request.references = references
        request.isRaw = raw
        request.encryptTo = encryptTo
        request.sealsToContacts = !noEncrypt
        request.enclose = enclose ?? 0
        request.identity = identity
        request.passphrase = try passphrase.source
        return request
    }
}

/// To whom a message goes: for `send` and `count-packets`.
struct RecipientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to: a contact, user@host, smtp:user@host, mbox:name@node or box:id@node. Up to 8 times.",
            valueName: "address"))
    var to: [String] = []
    @Flag(
        name: .customLong("rfc822"),
        help: "Send to the addresses in the mail's own To, Cc and Bcc too; Bcc, like these, does not travel.")
    var takesMailRecipients = false
    @Option(
        help: ArgumentHelp("What the path must be, such as '*,alpha'; see `nightjar help path`.", valueName: "spec"))
    var path: String?
    @Option(help: ArgumentHelp("Send a message that fits into one packet so often, 1 to 8.", valueName: "n"))
    var copies: Int?

    /// What `nightjar send` would be asked for.
    func request(_ message: ComposeRequest, network: String?) -> SendRequest {
        var request = SendRequest(recipients: to)
        request.message = message
        request.takesRecipientsFromMail = takesMailRecipients
        request.path = path
        request.copies = copies
        request.network = network
        return request
    }
}

/// Lines for programs.
struct StatusOption: ParsableArguments {
    @Option(
        name: .customLong("status-fd"),
        help: ArgumentHelp(
            "Write lines for programs to this file descriptor; doc/CLIENT.md lists them.", valueName: "n"))
    var descriptor: Int32?
}
