/// Names that nobody gets: the server's own, those that mail standards give to operators, and those that would deceive.
public enum ReservedNames {
    /// The name that takes commands.
    public static let server = "server"

    private static let names: Set<String> = [
        server, "postmaster", "abuse", "root", "admin", "administrator", "operator", "hostmaster", "webmaster",
        "security",
        "mailer-daemon", "daemon", "nobody", "noreply", "no-reply", "support", "help", "info", "contact", "staff",
        "noc",
        "optout", "opt-out", "optin", "opt-in", "confirm", "unsubscribe", "bounce", "bounces", "double-bounce", "list",
        "owner", "request", "mail", "mailer", "smtp", "lmtp", "imap", "system", "www", "ftp", "news", "usenet", "uucp",
        "anonymous", "anon", "nightjar", "nymserver", "nym", "remailer", "ssladmin", "ssladministrator", "sslwebmaster",
        "sysadmin", "is", "it", "mis", "dmarc", "dkim", "tls-reports", "autoconfig", "autodiscover", "wpad", "isatap",
    ]

    /// Whether nobody gets this name.
    public static func contains(_ name: NymName) -> Bool { names.contains(name.text) }
}
