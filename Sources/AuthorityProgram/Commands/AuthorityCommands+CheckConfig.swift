// `check-config`: everything that an authority needs in order to start and to be believed, without starting it.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
internal import Spool
internal import WireFormat

extension AuthorityCommands {
    /// `check-config`: the first thing that is wrong ends it; what is only unwise is told as a warning.
    public func checkConfig(_ path: String) throws {
        let settings = try AuthoritySettings(configuration: path)
        try ScaledClock.checkPlausible(now)
        guard FileManager.default.fileExists(atPath: settings.networkFile) else {
            throw CommandFailure(
                "there is no network file at \(settings.networkFile); put the one that the authorities signed there")
        }
        let network = try NetworkDocument.installed(settings.networkFile)
        guard settings.timeScale == 1 || network.isTest else {
            throw CommandFailure(
                "[test] time-scale is set, but \(network.name) is no test network; remove it", code: .usage)
        }
        guard let authority = network.authority(named: settings.name) else {
            throw CommandFailure(
                "\(settings.networkFile) names no authority \(settings.name), only "
                    + network.authorities.map(\.name.text).joined(separator: ", "), code: .usage)
        }
        guard FileManager.default.fileExists(atPath: settings.dataDirectory) else {
            throw CommandFailure(
                "\(settings.dataDirectory) is not there; run `nightjar-authority init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        try checkCertificate(settings, network: network)
        let voted = settings.votedParameters(network.parameters)
        guard network.isTest || voted.isWithinTimeBudget else {
            throw CommandFailure(
                "[parameters]: with these, packets may be under way longer than their keys live; lower delay-cap or "
                    + "retry-deadline", code: .usage)
        }
        if let directory = settings.publishDirectory, !FileManager.default.isWritableFile(atPath: directory) {
            throw CommandFailure("publish-directory \(directory) is not there, or cannot be written; make it first")
        }
        let database = AuthorityFiles(directory: settings.dataDirectory).database
        if FileManager.default.fileExists(atPath: database) {
            try AuthorityStore.openForReading(path: database).close()
        }
        warn(settings, authority, network)
        try terminal.print("\(path) is good")
    }

    private func checkCertificate(_ settings: AuthoritySettings, network: NetworkFile) throws {
        let key = try AuthorityFiles.loadSigningKey(settings.signingKey)
        guard FileManager.default.fileExists(atPath: settings.certificate) else {
            throw CommandFailure(
                "there is no certificate at \(settings.certificate): the signing key must be certified by this authority's "
                    + "identity first (nightjar-authority certificate request, certify, certificate install)")
        }
        let unverified = try Self.certificate(settings.certificate)
        let time = settings.clock.now()
        let certificate: AuthorityCertificate
        do throws(AuthorityDocumentError) { certificate = try unverified.verify(in: network, at: time) } catch {
            var advice = ""
            if case .certificateExpired(_, _, let until) = error {
                advice =
                    until <= time
                    ? "; renew it: nightjar-authority certificate request, certify, certificate install"
                    : "; set this machine's clock, or make the certificate anew"
            }
            throw CommandFailure("\(settings.certificate): \(error)\(advice)")
        }
        guard certificate.authority.name == settings.name else {
            throw CommandFailure(
                "\(settings.certificate) is of \(certificate.authority.name), and this authority is \(settings.name)")
        }
        guard certificate.key == key.verificationKey else {
            throw CommandFailure(
                "\(settings.certificate) is for another key than \(settings.signingKey); install the certificate that goes "
                    + "with it")
        }
        let left = certificate.validUntil - time
        if left < Self.renewal {
            terminal.message(
                "warning: the certificate expires in \(Self.days(left)) days, on \(certificate.validUntil); renew it now"
            )
        }
    }

    private func warn(_ settings: AuthoritySettings, _ authority: Authority, _ network: NetworkFile) {
        if authority.urls.isEmpty {
            terminal.message(
                "warning: the network file has no address of this authority, so the others cannot reach it")
        }
        for other in network.authorities where other.urls.isEmpty && other.name != authority.name {
            terminal.message("warning: the network file has no address of \(other.name), so nothing can be sent to it")
        }
        if network.authorities.count < 3 {
            terminal.message("warning: the network has fewer than 3 authorities: one that fails stops it")
        }
    }
}
