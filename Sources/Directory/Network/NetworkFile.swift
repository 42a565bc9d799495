// The network file: name, parameters and nodes of a network, signed by whoever runs it. It is the whole directory until
// authorities vote on one (doc/DIRECTORY.md, network file).

public import MixCrypto
public import WireFormat

/// A network file as it came, its signature and descriptors not yet checked.
public struct UnverifiedNetworkFile: Sendable {
    let name: String
    /// The edition that it claims to be.
    public let version: UInt32
    let isTest: Bool
    let published: Timestamp
    let validUntil: Timestamp
    let parameters: NetworkParameters
    let descriptors: [UnverifiedDescriptor]
    /// The key that claims to have signed.
    public let signer: VerificationKey
    let signature: [UInt8]
    let bytes: [UInt8]
    let signedCount: Int

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.network.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        name = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(name) else { throw reader.invalid() }
        let versionText = try reader.take("version", arguments: 1).arguments[0]
        guard let number = UInt32(versionText), String(number) == versionText else { throw reader.invalid() }
        version = number
        if reader.isNext("test-network") {
            _ = try reader.take("test-network", arguments: 0)
            isTest = true
        } else {
            isTest = false
        }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        guard let validUntil = Timestamp(try reader.take("valid-until", arguments: 1).arguments[0]),
            published < validUntil
        else { throw reader.invalid() }
        self.published = published
        self.validUntil = validUntil
        var parameters = NetworkParameters()
        var last = ""
        for item in try reader.takeAll("parameter", arguments: 2) {
            let (key, text) = (item.arguments[0], item.arguments[1])
            guard last < key, let value = Int64(text), String(value) == text, parameters.set(key, to: value) else {
                throw reader.invalid()
            }
            last = key
        }
        self.parameters = parameters
        var descriptors: [UnverifiedDescriptor] = []
        for item in try reader.takeAll("descriptor", arguments: 0, object: NetworkFile.descriptorLabel) {
            // Sorted by node id; that two are equal is found, and named, when the file is verified.
            guard descriptors.count < NetworkFile.maximumNodes,
                let parsed = try? UnverifiedDescriptor(item.object?.bytes ?? []),
                descriptors.last.map({ $0.identity.nodeID <= parsed.identity.nodeID }) ?? true
            else { throw reader.invalid() }
            descriptors.append(parsed)
        }
        self.descriptors = descriptors
        let signerItem = try reader.take("signer", arguments: 0, object: DocumentSignature.keyLabel)
        guard let signer = try? VerificationKey(signerItem.object?.bytes ?? []) else { throw reader.invalid() }
        self.signer = signer
        signedCount = reader.offset ?? bytes.count
        signature = try reader.take("signature", arguments: 0, object: DocumentSignature.label).object?.bytes ?? []
        try reader.end()
        self.bytes = bytes
    }

    /// The one door to a `NetworkFile`.
    /// - Parameter trusted: the key that must have signed; nil only when a person adds the network for the first time.
    /// - Throws: `NetworkFileError`.
    public func verify(trusted: VerificationKey?, at now: Timestamp) throws(NetworkFileError) -> NetworkFile {
        let message = DocumentSignature.message(.network, network: name, body: bytes[..<signedCount])
        guard signer.isValid(signature, over: message) else { throw .badSignature }
        if let trusted, trusted != signer { throw .otherSigner }
        guard now < validUntil else { throw .expired(validUntil) }
        // A day of tolerance: a clock that is a little slow must not stop anybody.
        guard published - .days(1) <= now else { throw .notYet(published) }
        var nodes: [Descriptor] = []
        var ids: Set<NodeID> = []
        var names: Set<String> = []
        for unverified in descriptors {
            let descriptor: Descriptor
            do { descriptor = try unverified.verify(network: name) } catch {
                throw .badDescriptor(unverified.fields.nickname.text)
            }
            guard ids.insert(descriptor.id).inserted, names.insert(descriptor.fields.nickname.folded).inserted else {
                throw .repeatedNode(descriptor.fields.nickname.text)
            }
            if !isTest, let address = descriptor.fields.addresses.first(where: { !$0.isPublic }) {
                throw .privateAddress(descriptor.fields.nickname.text, address.description)
            }
            nodes.append(descriptor)
        }
        return NetworkFile(
            name: name, version: version, isTest: isTest, published: published, validUntil: validUntil,
            parameters: parameters,
            nodes: nodes, signer: signer, bytes: bytes)
    }
}

/// Why a network file is not to be used, in words for people.
public enum NetworkFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case badSignature
    case otherSigner
    case expired(Timestamp)
    case notYet(Timestamp)
    case badDescriptor(String)
    case repeatedNode(String)
    case privateAddress(String, String)
    case rollback(have: UInt32, offered: UInt32)

    public var description: String {
        switch self {
        case .badSignature: "the network file's signature is wrong: it was damaged or forged; fetch it again"
        case .otherSigner:
            "the network file is signed by another key than the one trusted for this network; do not use it"
        case .expired(let date): "the network file expired on \(date); get a newer one from the network's operator"
        case .notYet(let date):
            "the network file was made on \(date), which is in the future here; set this machine's clock"
        case .badDescriptor(let name): "the descriptor of node \(name) in the network file is not signed by that node"
        case .repeatedNode(let name): "node \(name) is in the network file twice"
        case .privateAddress(let name, let address):
            "node \(name) has the address \(address), which cannot be reached from outside; only a test network may list it"
        case .rollback(let have, let offered):
            "the network file is version \(offered), older than version \(have) that is installed"
        }
    }
}

/// A network file that the trusted key signed, with descriptors that their nodes signed.
public struct NetworkFile: Sendable {
    /// Most nodes of a network.
    public static let maximumNodes = 2000
    static let descriptorLabel = "NIGHTJAR DESCRIPTOR"

    public let name: String
    /// Grows with each edition; a lower one is a rollback.
    public let version: UInt32
    /// A test network may have private addresses and short periods.
    public let isTest: Bool
    public let published: Timestamp
    public let validUntil: Timestamp
    public let parameters: NetworkParameters
    public let nodes: [Descriptor]
    public let signer: VerificationKey
    /// The canonical bytes.
    public let bytes: [UInt8]

    /// Signs a new edition.
    /// - Throws: `DocumentError`, `NetworkFileError`.
    public static func make(
        name: String, version: UInt32, isTest: Bool, published: Timestamp, validUntil: Timestamp,
        parameters: NetworkParameters,
        nodes: [Descriptor], key: SigningKey
    ) throws -> NetworkFile {
        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.network.rawValue, ["1"]),
            DocumentItem("network", [name]),
            DocumentItem("version", [String(version)]),
        ]
        if isTest { items.append(DocumentItem("test-network")) }
        items.append(DocumentItem("published", [published.description]))
        items.append(DocumentItem("valid-until", [validUntil.description]))
        let standard = Dictionary(uniqueKeysWithValues: NetworkParameters().values.map { ($0.name, $0.value) })
        for (key, value) in parameters.values where standard[key] != value {
            items.append(DocumentItem("parameter", [key, String(value)]))
        }
        items += nodes.sorted { $0.id < $1.id }.map {
            DocumentItem("descriptor", [], object: DocumentObject(descriptorLabel, $0.bytes))
        }
        items.append(
            DocumentItem("signer", [], object: DocumentObject(DocumentSignature.keyLabel, key.verificationKey.bytes)))
        let bytes = try DocumentSignature.sign(items, kind: .network, network: name, key: key)
        return try UnverifiedNetworkFile(bytes).verify(trusted: key.verificationKey, at: published)
    }

    /// The node whose nickname (without case) or id (hexadecimal, at least 8 digits) is `name`.
    public func node(named name: String) -> Descriptor? {
        let folded = name.lowercased()
        if let found = nodes.first(where: { $0.fields.nickname.folded == folded }) { return found }
        guard folded.utf8.count >= 8 else { return nil }
        let found = nodes.filter { $0.id.hex.hasPrefix(folded) }
        return found.count == 1 ? found[0] : nil
    }

    /// The node with this id.
    public func node(_ id: NodeID) -> Descriptor? { nodes.first { $0.id == id } }
}
