// A network file on its way to be trusted: a draft that collects signatures, or one that came from elsewhere.

public import MixCrypto
public import WireFormat

/// A network file whose signatures have not been checked.
public struct UnverifiedNetworkFile: Sendable {
    public let name: String
    /// The edition that it claims to be.
    public let version: UInt32
    public let isTest: Bool
    public let published: Timestamp
    public let authorities: [Authority]
    public let parameters: RootParameters
    public let mirrors: [String]
    public let previous: Digest?
    public let bytes: [UInt8]
    /// SHA-256 of what is signed.
    public let digest: Digest
    private let signatures: [(id: Digest, signature: [UInt8])]
    private let signedCount: Int

    /// The keys that claim to have signed, ascending by digest.
    public var signerIDs: [Digest] { signatures.map(\.id) }

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= NetworkFile.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.network.rawValue, arguments: 1).arguments == ["2"] else {
            throw reader.invalid()
        }
        name = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(name) else { throw reader.invalid() }
        let versionText = try reader.take("version", arguments: 1).arguments[0]
        guard let number = UInt32(versionText), String(number) == versionText, number > 0 else {
            throw reader.invalid()
        }
        version = number
        isTest = reader.isNext("test-network")
        if isTest { _ = try reader.take("test-network", arguments: 0) }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        self.published = published
        if reader.isNext("previous") {
            guard let digest = Digest(hex: try reader.take("previous", arguments: 1).arguments[0]) else {
                throw reader.invalid()
            }
            previous = digest
        } else {
            previous = nil
        }
        authorities = try Self.authorities(&reader)
        let quorum = try reader.take("quorum", arguments: 1).arguments[0]
        guard quorum == String(Quorum.needed(authorities.count)) else { throw reader.invalid() }
        parameters = try Self.parameters(&reader)
        var mirrors: [String] = []
        for item in try reader.takeAll("mirror", arguments: 1) {
            guard mirrors.count < NetworkFile.maximumMirrors, Authority.isURL(item.arguments[0]),
                mirrors.last.map({ $0 < item.arguments[0] }) ?? true
            else { throw reader.invalid() }
            mirrors.append(item.arguments[0])
        }
        self.mirrors = mirrors
        signedCount = reader.offset ?? bytes.count
        var signatures: [(id: Digest, signature: [UInt8])] = []
        for item in try reader.takeAll("signature", arguments: 1, object: DocumentSignature.hybridLabel) {
            guard signatures.count < 2 * Authority.maximumCount, let id = Digest(hex: item.arguments[0]),
                signatures.last.map({ $0.id < id }) ?? true,
                let signature = item.object?.bytes, signature.count == HybridVerificationKey.signatureSize
            else { throw reader.invalid() }
            signatures.append((id, signature))
        }
        self.signatures = signatures
        try reader.end()
        self.bytes = bytes
        digest = .sha256(Array(bytes[..<signedCount]))
    }

    private static func authorities(_ reader: inout DocumentReader) throws(DocumentError) -> [Authority] {
        var found: [Authority] = []
        while reader.isNext("authority") {
            let item = try reader.take("authority", arguments: 1, object: DocumentSignature.hybridKeyLabel)
            guard found.count < Authority.maximumCount, let name = Nickname(item.arguments[0]),
                found.last.map({ $0.name.text < name.text }) ?? true,
                !found.contains(where: { $0.name.folded == name.folded }),
                let key = try? HybridVerificationKey(item.object?.bytes ?? []),
                !found.contains(where: { $0.identity == key })
            else { throw reader.invalid() }
            var urls: [String] = []
            for item in try reader.takeAll("url", arguments: 1) {
                guard urls.count < Authority.maximumURLs, Authority.isURL(item.arguments[0]),
                    !urls.contains(item.arguments[0])
                else { throw reader.invalid() }
                urls.append(item.arguments[0])
            }
            found.append(Authority(name: name, identity: key, urls: urls))
        }
        guard !found.isEmpty else { throw reader.invalid() }
        return found
    }

    private static func parameters(_ reader: inout DocumentReader) throws(DocumentError) -> RootParameters {
        var parameters = RootParameters()
        var names: [String] = []
        for item in try reader.takeAll("parameter", arguments: 2) {
            let text = item.arguments[1]
            guard let value = Int64(text), String(value) == text, parameters.set(item.arguments[0], to: value) else {
                throw reader.invalid()
            }
            names.append(item.arguments[0])
        }
        // All of them, in order: the file must say what later versions of the software might think otherwise about.
        guard names == parameters.values.map(\.name), parameters.isConsistent else { throw reader.invalid() }
        return parameters
    }

    /// The same file with one more signature, or with a new one in place of an older one by the same key.
    /// - Throws: `CryptoError`, `DocumentError`.
    public func signed(by key: HybridSigningKey) throws -> UnverifiedNetworkFile {
        let id = key.verificationKey.digest
        var all = signatures.filter { $0.id != id }
        all.append((id, try key.sign(message)))
        all.sort { $0.id < $1.id }
        return try UnverifiedNetworkFile(
            Array(bytes[..<signedCount])
                + Document.write(
                    all.map {
                        DocumentItem(
                            "signature", [$0.id.hex],
                            object: DocumentObject(DocumentSignature.hybridLabel, $0.signature))
                    }))
    }

    private var message: [UInt8] {
        DocumentSignature.message(.network, network: name, body: bytes[..<signedCount])
    }

    /// First trust: a quorum of the authorities that the file itself names has signed it. That it names the right ones is for
    /// a person to decide, who compares `digest` with one from another source.
    public func verify() throws(NetworkFileError) -> NetworkFile {
        try checkQuorum(of: authorities, called: "its own authorities")
        return NetworkFile(self)
    }

    /// The next edition of `old`: signed by a quorum of the authorities of both.
    public func verify(succeeding old: NetworkFile) throws(NetworkFileError) -> NetworkFile {
        guard name == old.name else { throw .otherNetwork(name) }
        guard version >= old.version else { throw .rollback(have: old.version, offered: version) }
        if version == old.version {
            guard digest == old.digest else {
                _ = try verify()
                throw .fork(version: version)
            }
            return old
        }
        guard version == old.version + 1 else { throw .gap(have: old.version, offered: version) }
        guard previous == old.digest else { throw .notSucceeding(version: version) }
        guard isTest == old.isTest else { throw .changedForever("whether it is a test network") }
        guard parameters == old.parameters else { throw .changedForever("a parameter") }
        try checkQuorum(of: old.authorities, called: "the authorities of the installed edition")
        try checkQuorum(of: authorities, called: "its own authorities")
        return NetworkFile(self)
    }

    /// Names of authorities in this file that have not signed it.
    public var missingSigners: [Nickname] {
        authorities.filter { authority in !signatures.contains { $0.id == authority.id } }.map(\.name)
    }

    private func checkQuorum(of set: [Authority], called what: String) throws(NetworkFileError) {
        var good = 0
        for authority in set {
            guard let found = signatures.first(where: { $0.id == authority.id }) else { continue }
            guard authority.identity.isValid(found.signature, over: message) else {
                throw .badSignature(authority.name.text)
            }
            good += 1
        }
        let needed = Quorum.needed(set.count)
        guard good >= needed else { throw .notEnoughSignatures(have: good, needed: needed, of: what) }
    }
}
