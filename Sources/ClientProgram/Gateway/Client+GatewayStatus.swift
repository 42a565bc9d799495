// `nightjar gateway status`.

internal import Daemon
internal import MMTP
internal import Spool
internal import WireFormat

extension Client {
    private struct GatewayStatus: Encodable {
        var isRunning: Bool
        /// Whether `nightjar run`, or the gateway in its place, sends and polls.
        var isSending: Bool
        var listen: [String]
        var listenTLS: [String]
        var user: String
        var fingerprint: String
        var certificateExpires: String
        var maildir: String
        /// What From may be.
        var senders: [String]
    }

    /// Shows how the gateway stands and what From may be.
    /// - Throws: `CommandFailure` of code `failed` if it does not run.
    public func showGatewayStatus(json: Bool, passphrase: PassphraseSource) throws {
        let files = GatewayFiles(places)
        guard files.isThere else {
            throw CommandFailure("this gateway has no password yet; run: nightjar gateway init", code: .usage)
        }
        let certificate = try files.readCertificate()
        var senders = config.gateway.anonymous
        if ClientPlaces.isThere(places.keyring) {
            let keyring = try Keyring.open(self, passphrase: passphrase)
            let records = try records()
            defer { records.close() }
            senders += try KeyringSource(client: self, records: records, opened: keyring).nymAddresses(network: nil)
        }
        let status = GatewayStatus(
            isRunning: files.isRunning, isSending: RunLock.isHeld(places), listen: config.gateway.listen,
            listenTLS: config.gateway.listenTLS, user: try files.readPassword().user,
            fingerprint: certificate.fingerprintText, certificateExpires: certificate.expiry.description,
            maildir: gatewayMaildir, senders: senders)
        if json {
            try terminal.print(JSONText.encode(status))
        } else {
            var lines = [
                "gateway      \(status.isRunning ? "running" : "not running")",
                "sending      \(status.isSending ? "yes" : "no: start `nightjar gateway` without --no-run, or `nightjar run`")",
            ]
            lines += status.listen.map { "address      \($0) (STARTTLS)" }
            lines += status.listenTLS.map { "address      \($0) (SSL/TLS)" }
            lines += [
                "user name    \(status.user)", "certificate  until \(status.certificateExpires), SHA-256 fingerprint:",
                "             \(status.fingerprint)", "Maildir      \(status.maildir)",
            ]
            lines += status.senders.map { "From         \($0)" }
            for line in lines { try terminal.print(Printable.line(line)) }
        }
        guard status.isRunning else {
            throw CommandFailure(
                "the gateway is not running; start it with: nightjar gateway, or: systemctl --user start nightjar-gateway"
            )
        }
    }
}
