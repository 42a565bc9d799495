// `nightjar gateway`: a mail program's way into the network, and the network's into a Maildir.

public import Daemon
internal import Directory
internal import Exits
internal import Logging
internal import MMTP
internal import MixCrypto
internal import Mixing
internal import Spool
internal import WireFormat

/// What `nightjar gateway init` is asked for.
public struct GatewayInitRequest: Sendable {
    /// Makes a new password in place of the old one.
    public var newPassword = false
    /// Makes a new certificate in place of the old one.
    public var newCertificate = false
    public var json = false

    public init() {}
}

extension Client {
    /// Where received mail goes for mail programs.
    var gatewayMaildir: String { config.gateway.maildir ?? GatewayFiles(places).standardMaildir }

    /// Makes the password, the certificate and the Maildir; what is there stays unless asked otherwise. The password is
    /// shown and never stored.
    public func initGateway(_ request: GatewayInitRequest) throws {
        struct Made: Encodable {
            var user: String
            /// Nil if the old one stays.
            var password: String?
            var fingerprint: String
            var certificate: String
            var passwordFile: String
            var maildir: String
            var listen: [String]
            var listenTLS: [String]
        }
        let files = GatewayFiles(places)
        _ = try PrivateDirectory(places.data)
        _ = try PrivateDirectory(files.directory)
        let now = ScaledClock.real.now()
        if request.newCertificate || !ClientPlaces.isThere(files.certificate) {
            let made = try LocalCertificate.make(now: now)
            try files.writeCertificate(made.certificate, key: made.key)
        }
        var password: String?
        if request.newPassword || !ClientPlaces.isThere(files.passwords) {
            var generator = SystemRandomNumberGenerator()
            let text = GatewayPassword.make(using: &generator)
            try files.writePassword(text, user: config.gateway.user)
            password = text
        }
        try GatewayMaildir(path: gatewayMaildir).make()
        let certificate = try files.readCertificate()
        let user = try files.readPassword().user
        let made = Made(
            user: user, password: password, fingerprint: certificate.fingerprintText, certificate: files.certificate,
            passwordFile: files.passwords, maildir: gatewayMaildir, listen: config.gateway.listen,
            listenTLS: config.gateway.listenTLS)
        if request.json { return try terminal.print(JSONText.encode(made)) }
        try terminal.print("user name    \(user)")
        try terminal.print("password     \(password ?? "(as before; a new one: nightjar gateway init --new-password)")")
        if password != nil { note("the password is shown only now: put it into your mail program") }
        try terminal.print("sending      \(config.gateway.listen.joined(separator: " or ")) (STARTTLS)")
        if !config.gateway.listenTLS.isEmpty {
            try terminal.print("             \(config.gateway.listenTLS.joined(separator: " or ")) (SSL/TLS)")
        }
        try terminal.print("certificate  \(files.certificate), SHA-256 fingerprint:")
        try terminal.print("             \(certificate.fingerprintText)")
        try terminal.print("Maildir      \(gatewayMaildir)")
        note("start it with: nightjar gateway, or: systemctl --user enable --now nightjar-gateway")
        if isGatewayRunning { note("a gateway is running: stop it and start it again, so that it uses what is new") }
    }

    private var isGatewayRunning: Bool { GatewayFiles(places).isRunning }

    /// Serves mail programs until the process is told to stop; sends and polls too unless `nightjar run` does.
    /// - Parameters:
    ///   - name: the network to send in.
    ///   - runs: whether to do the work of `nightjar run` if it does not run.
    public func serveGateway(
        network name: String?, passphrase: PassphraseSource, runs: Bool, signals: SignalSet,
        remake: @escaping @Sendable () throws -> Client
    ) async throws {
        let files = GatewayFiles(places)
        guard files.isThere else {
            throw CommandFailure("this gateway has no password yet; run: nightjar gateway init", code: .usage)
        }
        try tellOfCertificate(files)
        let logger = Logger(label: "gateway")
        if runs, !RunLock.isHeld(places) {
            return try await runInBackground(network: nil, passphrase: passphrase, signals: signals, remake: remake) {
                keyring, records in
                [
                    try await GatewayService(
                        self, network: name, keyring: keyring, records: records, logger: logger)
                ]
            }
        }
        let sink = try config.log.start()
        if !RunLock.isHeld(places) {
            logger.warning("`nightjar run` does not run: mail is stored and not sent until it does")
        }
        let keyring = ClientPlaces.isThere(places.keyring) ? try backgroundKeyring(passphrase) : nil
        let records = try records()
        defer { records.close() }
        let service = try await GatewayService(
            self, network: name, keyring: keyring, records: records, logger: logger)
        try await DaemonGroup.run(
            [service],
            actions: DaemonActions(
                reload: { sink.level = try remake().config.log.level }, reopen: { try sink.reopen() }),
            logger: logger, signals: signals)
    }

    private func tellOfCertificate(_ files: GatewayFiles) throws {
        let left = try files.readCertificate().expiry - ScaledClock.real.now()
        guard left < .days(30) else { return }
        terminal.message(
            left < .zero
                ? "the certificate has expired, and mail programs will refuse it; run: nightjar gateway init --new-certificate"
                : "the certificate expires in \(left.shortText); run: nightjar gateway init --new-certificate")
    }
}
