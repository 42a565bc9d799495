// Who an authority is: its place in the network file, and the certified key that it signs with. Everything that can be wrong
// here is told before anything starts, with what to run.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import Spool
internal import WireFormat

/// Loading the network file, the signing key and its certificate.
enum AuthorityIdentity {
    /// When a certificate begins to be complained about.
    static let renewal = Interval.days(14)

    /// The network file, signed by a quorum of its own authorities.
    static func network(_ path: String) throws -> NetworkFile {
        let bytes = try AtomicFile.read(path, limit: NetworkFile.maximumSize)
        let unverified: UnverifiedNetworkFile
        do { unverified = try UnverifiedNetworkFile(bytes) } catch {
            throw CommandFailure("\(path) is no network file: \(error); put the one that the authorities signed there")
        }
        do { return try unverified.verify() } catch { throw CommandFailure("\(path): \(error)", code: .refused) }
    }

    /// The editions of the network file that the store knows, the given one being the newest; the store is this authority's
    /// from now on.
    static func editions(
        _ network: NetworkFile, _ settings: AuthoritySettings, store: AuthorityStore, at time: Timestamp
    ) throws -> NetworkEditions {
        let editions = try NetworkEditions(network, path: settings.networkFile, store: store, now: time)
        if let own = network.authority(named: settings.name) {
            try store.bind(
                to: StoreOwner(
                    network: network.name, slotLength: network.parameters.slotLength, authority: own.name.text,
                    identity: own.id), former: editions.identities(of: own.name))
        }
        return editions
    }

    /// The key and the certificate that vouches for it, good at `time`.
    static func signer(
        _ settings: AuthoritySettings, network: NetworkFile, at time: Timestamp
    ) throws -> AuthoritySigner {
        let key: HybridSigningKey
        do { key = try AuthorityFiles.loadSigningKey(settings.signingKey) } catch let error as SecretFileError {
            if case .missing = error {
                throw CommandFailure("\(error); make one with: nightjar-authority init")
            }
            throw CommandFailure("\(error)")
        }
        let renew = "nightjar-authority certificate request, certify, certificate install"
        let bytes: [UInt8]
        do { bytes = try AtomicFile.read(settings.certificate, limit: AuthorityCertificate.maximumSize) } catch {
            throw CommandFailure(
                "\(error.message); the signing key must be certified by this authority's identity first: \(renew)")
        }
        let unverified: UnverifiedCertificate
        do { unverified = try UnverifiedCertificate(bytes) } catch {
            throw CommandFailure("\(settings.certificate) is no certificate: \(error); make one: \(renew)")
        }
        let certificate: AuthorityCertificate
        do { certificate = try unverified.verify(in: network, at: time) } catch {
            throw CommandFailure("\(settings.certificate): \(error); renew it: \(renew)", code: .refused)
        }
        guard certificate.authority.name == settings.name else {
            throw CommandFailure(
                "\(settings.certificate) is of \(certificate.authority.name), but this authority is \(settings.name)")
        }
        do { return try AuthoritySigner(certificate: certificate, key: key) } catch {
            throw CommandFailure(
                "\(settings.certificate) is for another key than \(settings.signingKey); install the one that goes with it"
            )
        }
    }

    /// Checks that the settings fit the network.
    static func check(_ settings: AuthoritySettings, network: NetworkFile) throws(CommandFailure) {
        guard settings.timeScale == 1 || network.isTest else {
            throw CommandFailure(
                "[test] time-scale is set, but \(network.name) is no test network; remove it", code: .usage)
        }
        guard network.authority(named: settings.name) != nil else {
            throw CommandFailure(
                "\(settings.networkFile) names no authority \(settings.name), only "
                    + network.authorities.map(\.name.text).joined(separator: ", "), code: .usage)
        }
        let voted = settings.votedParameters(network.parameters)
        guard network.isTest || voted.isWithinTimeBudget else {
            throw CommandFailure(
                """
                [parameters]: with these, packets may be under way longer than their keys live; lower delay-cap or \
                retry-deadline
                """, code: .usage)
        }
    }
}
