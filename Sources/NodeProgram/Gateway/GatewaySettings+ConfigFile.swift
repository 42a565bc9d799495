internal import Daemon
internal import Exits
internal import WireFormat

extension GatewaySettings {
    /// Reads `[exit.gateway]`; nil, reported, if it cannot be used.
    init?(_ table: ConfigTable) {
        let domain = table.required(
            "domain", .string,
            doc: "The domain of reply addresses, r+TOKEN@domain; the mail server hands its mail to this node by LMTP."
        ).lowercased()
        if (try? MailRecipient("r@\(domain)")) == nil, !domain.isEmpty {
            table.report("domain", "'\(domain)' is not a domain name such as reply.exit.example.org")
        }
        let listen = table.value(
            "listen", .string, default: "127.0.0.1:48024",
            doc: "Where LMTP is spoken: 127.0.0.1:port, [::1]:port, or the path of a Unix socket.")
        let address = LMTPAddress(listen)
        if address == nil {
            table.report(
                "listen",
                "'\(listen)' is not an address of this machine with a port, such as 127.0.0.1:48024, nor the path of a socket"
            )
        }
        let keep = table.value(
            "keep", .duration(.hours(1)...(.days(28))), default: .days(28),
            doc: "How long a reply address works at most; no longer than its reply blocks in any case.")
        guard let address, !domain.isEmpty else { return nil }
        self.init(domain: domain, listen: address, keep: keep)
    }
}
