// Everything a nymserver is told, checked and typed. Reading it from a file is `NymserverSettings+ConfigFile.swift`.

internal import Daemon
internal import DirectoryService
internal import Exits
internal import NymProtocol
internal import WireFormat

/// The settings of a nymserver.
struct NymserverSettings: Sendable {
    /// The domain of all nyms, in lower case.
    var domain: String
    /// Where complaints, and mail for postmaster and abuse, go.
    var operatorAddress: MailRecipient
    var dataDirectory: String
    /// The network's trust root.
    var networkFile: String
    /// What the network file must be, if the operator knows it from elsewhere.
    var networkDigest: Digest?
    /// Where mail is handed over.
    var lmtp = LMTPAddress.socket("/run/nightjar-nymserver/lmtp")
    /// Where Postfix asks before it takes mail; nil for nowhere.
    var policyListen: LMTPAddress?
    /// The mail server that everything outside goes to.
    var smtp: SMTPSettings
    /// What the server, and one nym, may use.
    var limits = NymLimits()
    /// Bytes of the disk that mail leaves free.
    var diskReserve = 1 << 30
    /// Whether a nym's owner may have a name shown before the address.
    var showsDisplayNames = true
    /// Pauses between attempts at mail to the outside, and their end.
    var retries = RetrySchedule()
    var directory = DirectoryPlaces()
    var locksMemory = false
    var metrics: MetricsSettings?
    var log = LogSettings()
    /// A test network's clock: how many times faster than real time, from which moment on.
    var timeScale = 1.0
    var timeOrigin = Timestamp(milliseconds: 0)

    /// How long a source of the directory may take to accept a connection; real time.
    static let connectTimeout = Interval.seconds(10)

    var clock: ScaledClock { ScaledClock(origin: timeOrigin, scale: timeScale) }

    var files: NymserverFiles { NymserverFiles(directory: dataDirectory) }

    /// How the directory is kept new.
    var keeping: NetworkKeeperSettings {
        NetworkKeeperSettings(
            program: "nymserver", networkFile: networkFile, networkDigest: networkDigest,
            cacheDirectory: files.directoryCache, places: directory, connectTimeout: Self.connectTimeout)
    }
}
