// What client.toml says about `nightjar gateway`.

internal import Daemon
internal import Exits
internal import Messages

/// The table `[gateway]`.
struct GatewaySettings: Hashable, Sendable {
    /// Where mail programs submit mail, TLS by STARTTLS.
    var listen = ["127.0.0.1:10587", "[::1]:10587"]
    /// Where TLS begins with the first byte.
    var listenTLS: [String] = []
    /// The name that goes with the password.
    var user = "nightjar"
    /// Where received mail goes; nil for the usual place.
    var maildir: String?
    /// Addresses in From that mean: send anonymously.
    var anonymous = [SealedMailText.sender]
    /// Whether the name before a nym's address in From is shown to recipients.
    var showsNames = false
    /// Anonymous mail is sent until its arrival is known, if there is a mailbox for receipts.
    var isReliable = true

    /// The defaults.
    init() {}

    /// Takes the settings out of a file.
    init(_ root: ConfigTable) {
        let table = root.table("gateway")
        listen = table.value(
            "listen", .strings, default: listen,
            doc:
                "Where `nightjar gateway` takes mail from mail programs, with STARTTLS. Only addresses of this machine."
        )
        listenTLS = table.value(
            "listen-tls", .strings, default: listenTLS,
            doc:
                "The same for mail programs that begin with TLS (\"SSL/TLS\"), such as 127.0.0.1:10465. None by default."
        )
        for (key, list) in [("listen", listen), ("listen-tls", listenTLS)] {
            for text in list where LoopbackAddress(text) == nil {
                table.report(
                    key,
                    "\"\(Printable.text(text))\" is not possible: mail is taken from this machine only, so write "
                        + "127.0.0.1:PORT or [::1]:PORT")
            }
        }
        if listen.isEmpty, listenTLS.isEmpty {
            table.report("listen", "name at least one address here or in listen-tls")
        }
        user = table.value(
            "user", .string, default: user, doc: "The user name that a mail program gives with the password.")
        if !EntryName.isValid(user) {
            table.report("user", "use 1 to 32 lower-case letters, digits and single hyphens between them")
        }
        maildir = table.optional(
            "maildir", .path,
            doc:
                "A Maildir for received mail, with a folder for each nym. By default gateway/maildir among the client's data."
        )
        anonymous = table.value(
            "anonymous", .strings, default: anonymous,
            doc: "Addresses that mean \"send anonymously\" when a mail program puts them into From.")
        for text in anonymous where (try? Address(text))?.mailAddress == nil {
            table.report(
                "anonymous",
                "\"\(Printable.text(text))\" is no mail address; write for example \(SealedMailText.sender)")
        }
        showsNames = table.value(
            "show-names", .bool, default: showsNames,
            doc:
                "Whether recipients see the name that a mail program puts before a nym's address. Mail programs are set up with "
                + "real names, so it is left out unless you say so.")
        isReliable = table.value(
            "reliable", .bool, default: isReliable,
            doc:
                "Whether anonymous mail is sent until its arrival is known, as by send --reliable, if there is a mailbox."
        )
    }
}
