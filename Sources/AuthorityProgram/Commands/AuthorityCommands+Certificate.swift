// `certificate`: putting a certificate into place, asking for the next one, and showing how long it lasts.

internal import Daemon
internal import Directory
internal import Foundation
internal import MixCrypto
internal import WireFormat

extension AuthorityCommands {
    /// `certificate install`: checks a certificate and puts it into place, with the key that it is for.
    public func installCertificate(_ path: String, configuration: String) throws {
        let settings = try AuthoritySettings(configuration: configuration)
        let files = AuthorityFiles(directory: settings.dataDirectory)
        let unverified = try Self.certificate(path)
        let network = try NetworkDocument.installed(settings.networkFile)
        guard unverified.name == settings.name else {
            throw CommandFailure(
                "\(path) is the certificate of \(unverified.name), and this authority is \(settings.name)",
                code: .refused)
        }
        let certificate: AuthorityCertificate
        do throws(AuthorityDocumentError) {
            certificate = try unverified.verify(in: network, at: settings.clock.now())
        } catch { throw CommandFailure("\(path): \(error)", code: .refused) }
        let current = try AuthorityFiles.loadSigningKey(settings.signingKey)
        if current.verificationKey != certificate.key {
            guard FileManager.default.fileExists(atPath: files.nextSigningKey),
                try AuthorityFiles.loadSigningKey(files.nextSigningKey).verificationKey == certificate.key
            else {
                throw CommandFailure(
                    "\(path) is for another signing key than \(settings.signingKey); certify the request in \(files.request)",
                    code: .refused)
            }
            // The certificate first: if this ends between the two, the old key does not fit it and `install` is run again.
            try AtomicFile.write(certificate.bytes, to: settings.certificate, mode: 0o644)
            guard rename(files.nextSigningKey, settings.signingKey) == 0 else {
                throw CommandFailure("cannot put \(files.nextSigningKey) in place of \(settings.signingKey)")
            }
        } else {
            try AtomicFile.write(certificate.bytes, to: settings.certificate, mode: 0o644)
        }
        terminal.message("installed; the certificate is good until \(certificate.validUntil)")
        terminal.message("if the authority runs, let it read it: systemctl reload nightjar-authority")
    }

    /// `certificate request`: writes the request for the current key, or for a new one that is to follow it.
    public func requestCertificate(configuration: String, newKey: Bool, output: String?) throws {
        let settings = try AuthoritySettings(configuration: configuration)
        let files = AuthorityFiles(directory: settings.dataDirectory)
        let network = try NetworkDocument.installed(settings.networkFile)
        var path = settings.signingKey
        if newKey {
            path = files.nextSigningKey
            if !FileManager.default.fileExists(atPath: path) { try Self.makeSigningKey(path) }
        }
        let key = try AuthorityFiles.loadSigningKey(path)
        let request = try CertificateRequest.make(network: network.name, name: settings.name, key: key)
        try AtomicFile.write(request.bytes, to: files.request, mode: 0o644)
        try write(request.bytes, to: output)
        terminal.message("signing key \(Fingerprint.text(key.verificationKey.digest))")
        if newKey {
            terminal.message("the key is in use once its certificate is installed; until then the old one signs")
        }
    }

    /// `certificate show`: what a certificate says and how long it lasts.
    /// - Parameter path: nil for the one in place.
    public func showCertificate(_ path: String?, configuration: String, json: Bool) throws {
        struct Report: Encodable {
            var network: String
            var authority: String
            var published: String
            var validUntil: String
            var key: String
            var daysLeft: Int
        }
        let time: Timestamp
        let file: String
        if let path {
            (time, file) = (now, path)
        } else {
            let settings = try AuthoritySettings(configuration: configuration)
            (time, file) = (settings.clock.now(), settings.certificate)
        }
        let certificate = try Self.certificate(file)
        let left = certificate.validUntil - time
        if json {
            return try print(
                json: Report(
                    network: certificate.network, authority: certificate.name.text,
                    published: certificate.published.description, validUntil: certificate.validUntil.description,
                    key: certificate.key.digest.hex, daysLeft: Self.days(left)))
        }
        try print([
            ("authority", "\(certificate.name) in the network \(certificate.network)"),
            ("published", certificate.published.description),
            ("valid until", certificate.validUntil.description),
            ("key", Fingerprint.text(certificate.key.digest)),
            ("left", left > .zero ? "\(Self.days(left)) days" : "expired"),
        ])
    }

    static func days(_ interval: Interval) -> Int { Int(interval.milliseconds / Interval.days(1).milliseconds) }

    static func certificate(_ path: String) throws(CommandFailure) -> UnverifiedCertificate {
        let bytes = try AtomicFile.read(path, limit: AuthorityCertificate.maximumSize)
        do throws(DocumentError) { return try UnverifiedCertificate(bytes) } catch {
            throw CommandFailure("\(path) is not a certificate as `nightjar-authority certify` makes it: \(error)")
        }
    }
}
