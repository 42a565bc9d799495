// `certify`: the offline step, in which an identity vouches for the key that an authority signs every slot with.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

extension AuthorityCommands {
    /// Days of a certificate that nobody chose otherwise; also the most.
    public static let longestDays = Int(
        AuthorityCertificate.maximumValidity.milliseconds / Interval.days(1).milliseconds)

    /// `certify`: signs the key of a request with an identity.
    /// - Parameters:
    ///   - network: network file or draft, against which identity and name are checked; nil checks nothing.
    ///   - output: nil prints the certificate.
    public func certify(
        request path: String, identity: String, validDays: Int, network: String?, output: String?,
        passphrase: IdentityPassphrase
    ) throws {
        guard (1...Self.longestDays).contains(validDays) else {
            throw CommandFailure("--valid-days takes 1 to \(Self.longestDays)", code: .usage)
        }
        let request = try CertificateRequest(file: path)
        try ScaledClock.checkPlausible(now)
        // Against mistakes, not against lies: a draft that not all have signed yet does as well.
        let file = try network.map { try NetworkDocument.unverified($0) }
        var named: Authority?
        if let file {
            guard file.name == request.network else {
                throw CommandFailure(
                    "\(path) is for the network \(request.network), and \(network ?? "") is of the network \(file.name)",
                    code: .refused)
            }
            guard let authority = file.authorities.first(where: { $0.name == request.name }) else {
                throw CommandFailure("\(network ?? "") names no authority \(request.name)", code: .refused)
            }
            named = authority
        }
        let key = try IdentityFile.load(identity, passphrase: passphrase)
        if let named, named.identity != key.verificationKey {
            throw CommandFailure(
                "\(identity) is not the identity of \(request.name) that \(network ?? "") names", code: .refused)
        }
        let published = Timestamp(seconds: now.seconds)
        let until = published + .days(Int64(validDays))
        let bytes = try AuthorityCertificate.make(
            network: request.network, name: request.name, identity: key, key: request.key, published: published,
            validUntil: until)
        try write(bytes, to: output)
        terminal.message(
            "certified the key of authority \(request.name) in the network \(request.network) until \(until)")
        terminal.message("its fingerprint is \(Fingerprint.text(request.key.digest)), which `init` has shown too")
    }
}
