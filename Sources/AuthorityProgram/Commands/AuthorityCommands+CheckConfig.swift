// `check-config`: everything that an authority needs in order to start and to be believed, without starting it.

internal import Daemon
internal import Directory
internal import Foundation
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
        try AuthorityIdentity.check(settings, network: network)
        guard FileManager.default.fileExists(atPath: settings.dataDirectory) else {
            throw CommandFailure(
                "\(settings.dataDirectory) is not there; run `nightjar-authority init --config \(path)`")
        }
        _ = try PrivateDirectory(settings.dataDirectory, creating: false)
        let time = settings.clock.now()
        let signer = try AuthorityIdentity.signer(settings, network: network, at: time)
        if let directory = settings.publishDirectory, !FileManager.default.isWritableFile(atPath: directory) {
            throw CommandFailure("publish-directory \(directory) is not there, or cannot be written; make it first")
        }
        let database = AuthorityFiles(directory: settings.dataDirectory).database
        if FileManager.default.fileExists(atPath: database) {
            try AuthorityStore.openForReading(path: database).close()
        }
        warn(signer.certificate, network, at: time)
        try terminal.print("\(path) is good")
    }

    private func warn(_ certificate: AuthorityCertificate, _ network: NetworkFile, at time: Timestamp) {
        let left = certificate.validUntil - time
        if left < AuthorityIdentity.renewal {
            terminal.message(
                "warning: the certificate expires in \(Self.days(left)) days, on \(certificate.validUntil); renew it now"
            )
        }
        for authority in network.authorities where authority.urls.isEmpty {
            terminal.message(
                "warning: the network file has no address of \(authority.name), so the others cannot reach it")
        }
        if network.authorities.count < 3 {
            terminal.message("warning: the network has fewer than 3 authorities: one that fails stops it")
        }
    }
}
