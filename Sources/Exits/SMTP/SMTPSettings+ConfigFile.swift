// The table `smtp` of exits and nymservers: the mail server that everything for the outside is handed to.

public import Daemon
internal import WireFormat

extension SMTPSettings {
    private enum SecurityWord: String, CaseIterable {
        case none, opportunistic, required, implicit

        var security: Security {
            switch self {
            case .none: .none
            case .opportunistic: .opportunistic
            case .required: .required
            case .implicit: .implicit
            }
        }
    }

    /// Reads the table; what is wrong is reported to it.
    public init(mailServer table: ConfigTable) {
        self.init(helloName: table.required("hello", .string, doc: "The name given in EHLO: this host's full name."))
        host = table.value("host", .string, default: "localhost", doc: "The mail server that all mail is handed to.")
        port = table.value("port", .int(1...65_535), default: 25, doc: "Its port.")
        security =
            table.value(
                "security", .choice(SecurityWord.opportunistic), default: .opportunistic,
                doc:
                    "TLS: none, opportunistic (STARTTLS if offered), required (STARTTLS or no mail), implicit (from the first byte)."
            ).security
        let trusted = table.optional(
            "trust-file", .path, doc: "PEM file with the authorities that the server's certificate must come from.")
        let verify = table.value(
            "tls-verify", .bool, default: true,
            doc: "Check the server's certificate; false only for tests on one machine.")
        if !verify { trust = .anything } else if let trusted { trust = .file(trusted) }
        let user = table.optional("user", .string, doc: "User name for AUTH.")
        let password = table.optional(
            "password-file", .path, doc: "File (mode 0600) whose first line is the password for AUTH.")
        allowsPasswordInClear = table.value(
            "allow-password-in-clear", .bool, default: false,
            doc: "Send the password over a connection that is not encrypted.")
        if let user, let password {
            do throws(SMTPCredentialsError) {
                credentials = try SMTPCredentials(user: user, passwordFile: password)
            } catch {
                table.report("password-file", error.description)
            }
        } else if user != nil || password != nil {
            table.report("user", "user and password-file go together")
        }
        if let timeout = table.optional(
            "timeout", .duration(.milliseconds(10)...(.hours(1))),
            doc: "How long the server may take over each step, real time; without it the times of RFC 5321.")
        {
            timeouts = SMTPTimeouts(everyStep: timeout)
        }
    }
}
