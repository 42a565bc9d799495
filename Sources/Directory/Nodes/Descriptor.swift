// What a node says of itself, signed with its identity key (doc/DIRECTORY.md, descriptor).

public import MixCrypto
private import Sphinx
public import WireFormat

/// The contents of a descriptor before it is signed.
public struct DescriptorFields: Sendable {
    /// Name of the network that the node belongs to.
    public var network: String
    public var nickname: Nickname
    public var addresses: [NodeAddress]
    public var published: Timestamp
    public var validUntil: Timestamp
    /// Packet keys: the current period's and those of the periods to come.
    public var keys: [KeyPeriod: KEMPublicKey]
    public var capabilities: [Capability]
    /// Nymservers that the node hands mail over to.
    public var nymDomains: [NymDomain]
    /// Digest of the node's statement of opt-outs (`OptOutStatement`); nil for a node that holds none.
    public var optOuts: Digest?
    /// Strategy and its settings, as `Mixing` spells it.
    public var mixing: [String]
    /// Settings known to be weak that the operator chose knowingly.
    public var weaknesses: [String]
    /// Nodes run by the same people.
    public var family: [NodeID]
    /// How to reach the operator; free text of one line.
    public var contact: String
    /// Name and version of the software.
    public var software: String
    /// Whether the node is about to stop for good: it serves until no valid consensus names it.
    public var isLeaving: Bool

    public init(
        network: String, nickname: Nickname, addresses: [NodeAddress], published: Timestamp, validUntil: Timestamp,
        keys: [KeyPeriod: KEMPublicKey], capabilities: [Capability], nymDomains: [NymDomain] = [],
        optOuts: Digest? = nil, mixing: [String] = ["poisson"], weaknesses: [String] = [],
        family: [NodeID] = [], contact: String = "", software: String, isLeaving: Bool = false
    ) {
        self.network = network
        self.nickname = nickname
        self.addresses = addresses
        self.published = published
        self.validUntil = validUntil
        self.keys = keys
        self.capabilities = capabilities
        self.nymDomains = nymDomains
        self.optOuts = optOuts
        self.mixing = mixing
        self.weaknesses = weaknesses
        self.family = family
        self.contact = contact
        self.software = software
        self.isLeaving = isLeaving
    }

    fileprivate func items(identity: VerificationKey) -> [DocumentItem] {
        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.descriptor.rawValue, ["1"]),
            DocumentItem("network", [network]),
            DocumentItem("nickname", [nickname.text]),
            DocumentItem("identity", [], object: DocumentObject(DocumentSignature.keyLabel, identity.bytes)),
        ]
        items += addresses.map { DocumentItem("address", [$0.host, String($0.port)]) }
        items.append(DocumentItem("mmtp", ["1"]))
        items.append(DocumentItem("geometry", [Geometry.suite1.digest.hex]))
        items.append(DocumentItem("published", [published.description]))
        items.append(DocumentItem("valid-until", [validUntil.description]))
        items.append(DocumentItem("software", software.split(separator: " ").map(String.init)))
        items += keys.sorted { $0.key < $1.key }.map { period, key in
            DocumentItem("packet-key", [String(period.number)], object: DocumentObject(Descriptor.keyLabel, key.bytes))
        }
        items += capabilities.sorted { $0.name < $1.name }.map { DocumentItem("capability", $0.words) }
        items += nymDomains.sorted { $0.domain < $1.domain }.map(\.item)
        if let optOuts { items.append(DocumentItem("opt-outs", [optOuts.hex])) }
        items.append(DocumentItem("mixing", mixing))
        items += weaknesses.sorted().map { DocumentItem("weakness", [$0]) }
        items += family.sorted().map { DocumentItem("family", [$0.hex]) }
        if !contact.isEmpty {
            items.append(DocumentItem("contact", contact.split(separator: " ").map(String.init)))
        }
        if isLeaving { items.append(DocumentItem("leaving")) }
        return items
    }
}

/// A descriptor as it came: parsed, but signed by nobody in particular yet.
public struct UnverifiedDescriptor: Sendable {
    let fields: DescriptorFields
    let identity: VerificationKey
    let signature: [UInt8]
    let bytes: [UInt8]
    let signedCount: Int

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Descriptor.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        guard try reader.take(DocumentKind.descriptor.rawValue, arguments: 1).arguments == ["1"] else {
            throw reader.invalid()
        }
        let network = try reader.take("network", arguments: 1).arguments[0]
        guard Capability.isToken(network) else { throw reader.invalid() }
        guard let nickname = Nickname(try reader.take("nickname", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        let identityItem = try reader.take("identity", arguments: 0, object: DocumentSignature.keyLabel)
        guard let identity = try? VerificationKey(identityItem.object?.bytes ?? []) else { throw reader.invalid() }
        var addresses: [NodeAddress] = []
        var names = 0
        for item in try reader.takeAll("address", arguments: 2) {
            guard let port = UInt16(item.arguments[1]), String(port) == item.arguments[1],
                let address = NodeAddress(host: item.arguments[0], port: port), !addresses.contains(address)
            else { throw reader.invalid() }
            if address.family == .name { names += 1 }
            guard names <= Descriptor.maximumHostNames else { throw reader.invalid() }
            addresses.append(address)
        }
        guard (1...Descriptor.maximumAddresses).contains(addresses.count) else { throw reader.invalid() }
        guard try reader.take("mmtp").arguments.contains("1") else { throw reader.invalid() }
        guard try reader.take("geometry", arguments: 1).arguments[0] == Geometry.suite1.digest.hex else {
            throw reader.invalid()
        }
        guard let published = Timestamp(try reader.take("published", arguments: 1).arguments[0]) else {
            throw reader.invalid()
        }
        guard let validUntil = Timestamp(try reader.take("valid-until", arguments: 1).arguments[0]),
            published < validUntil
        else { throw reader.invalid() }
        let software = try reader.take("software").arguments.joined(separator: " ")
        guard (1...Descriptor.maximumSoftware).contains(software.utf8.count) else { throw reader.invalid() }
        var keys: [KeyPeriod: KEMPublicKey] = [:]
        var last: KeyPeriod?
        for item in try reader.takeAll("packet-key", arguments: 1, object: Descriptor.keyLabel) {
            guard let number = UInt16(item.arguments[0]), String(number) == item.arguments[0],
                last.map({ $0.number < number }) ?? true,
                keys.count < Descriptor.maximumKeys, let key = try? KEMPublicKey(item.object?.bytes ?? [])
            else { throw reader.invalid() }
            last = KeyPeriod(number)
            keys[KeyPeriod(number)] = key
        }
        var capabilities: [Capability] = []
        for item in try reader.takeAll("capability") {
            guard let capability = Capability(words: item.arguments),
                capabilities.last.map({ $0.name < capability.name }) ?? true,
                capabilities.count < Descriptor.maximumCapabilities
            else { throw reader.invalid() }
            capabilities.append(capability)
        }
        var nymDomains: [NymDomain] = []
        for item in try reader.takeAll(NymDomain.keyword, arguments: 1, object: NymDomain.keyLabel) {
            guard let found = NymDomain(item), nymDomains.last.map({ $0.domain < found.domain }) ?? true,
                nymDomains.count < Descriptor.maximumNymDomains,
                keys.count + nymDomains.count < Descriptor.maximumKeysInAll
            else { throw reader.invalid() }
            nymDomains.append(found)
        }
        var optOuts: Digest?
        if reader.isNext("opt-outs") {
            optOuts = Digest(hex: try reader.take("opt-outs", arguments: 1).arguments[0])
            guard optOuts != nil else { throw reader.invalid() }
        }
        let mixing = try reader.take("mixing").arguments
        guard !mixing.isEmpty, mixing.joined(separator: " ").utf8.count <= Descriptor.maximumMixing else {
            throw reader.invalid()
        }
        var weaknesses: [String] = []
        for item in try reader.takeAll("weakness", arguments: 1) {
            guard weaknesses.last.map({ $0 < item.arguments[0] }) ?? true, Self.isWeakness(item.arguments[0]),
                weaknesses.count < Descriptor.maximumWeaknesses
            else { throw reader.invalid() }
            weaknesses.append(item.arguments[0])
        }
        var family: [NodeID] = []
        for item in try reader.takeAll("family", arguments: 1) {
            guard let id = NodeID(hex: item.arguments[0]), family.last.map({ $0 < id }) ?? true,
                family.count < Descriptor.maximumFamily
            else { throw reader.invalid() }
            family.append(id)
        }
        var contact = ""
        if reader.isNext("contact") {
            contact = try reader.take("contact").arguments.joined(separator: " ")
            guard (1...Descriptor.maximumContact).contains(contact.utf8.count) else { throw reader.invalid() }
        }
        let isLeaving = reader.isNext("leaving")
        if isLeaving { _ = try reader.take("leaving", arguments: 0) }
        signedCount = reader.offset ?? bytes.count
        signature = try reader.take("signature", arguments: 0, object: DocumentSignature.label).object?.bytes ?? []
        try reader.end()
        self.identity = identity
        self.bytes = bytes
        fields = DescriptorFields(
            network: network, nickname: nickname, addresses: addresses, published: published, validUntil: validUntil,
            keys: keys,
            capabilities: capabilities, nymDomains: nymDomains, optOuts: optOuts, mixing: mixing,
            weaknesses: weaknesses, family: family,
            contact: contact,
            software: software, isLeaving: isLeaving)
    }

    /// Letters, digits and hyphens: newer names than this version knows are kept.
    private static func isWeakness(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0 | 32) || (48...57).contains($0) || $0 == 45 }
    }

    /// The one door to a `Descriptor`: the signature is that of the identity key, for this kind of document and network.
    public func verify(network: String) throws(DocumentError) -> Descriptor {
        let message = DocumentSignature.message(.descriptor, network: network, body: bytes[..<signedCount])
        guard fields.network == network, identity.isValid(signature, over: message) else {
            throw DocumentError(line: 0, reason: .signature)
        }
        return Descriptor(verified: self)
    }
}

/// A descriptor that the node whose id it has did sign.
public struct Descriptor: Sendable {
    /// Most bytes of a descriptor: those of a full network fit into one bundle.
    public static let maximumSize = 24 << 10
    /// Most addresses of a node.
    public static let maximumAddresses = 8
    /// Most of its addresses that are host names: others look these up, wherever they lead.
    public static let maximumHostNames = 2
    /// Most packet keys of a node; so many leave room for the rest.
    public static let maximumKeys = 8
    /// Most bytes of `software`.
    public static let maximumSoftware = 128
    /// Most bytes of `contact`.
    public static let maximumContact = 256
    /// Most bytes of `mixing`.
    public static let maximumMixing = 256
    /// Most weaknesses, of up to 32 bytes each.
    public static let maximumWeaknesses = 16
    /// Most capabilities.
    public static let maximumCapabilities = 16
    /// Most nymservers of a node.
    public static let maximumNymDomains = 4
    /// Most packet keys and keys of nymservers together: so many fit with the rest.
    public static let maximumKeysInAll = 10
    /// Most members of a family.
    public static let maximumFamily = 32
    static let keyLabel = "XWING KEY"

    public let fields: DescriptorFields
    public let identity: VerificationKey
    public let id: NodeID
    /// The canonical bytes.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: the name by which votes and the consensus mean this descriptor.
    public let digest: Digest

    fileprivate init(verified: UnverifiedDescriptor) {
        fields = verified.fields
        identity = verified.identity
        id = verified.identity.nodeID
        bytes = verified.bytes
        digest = .sha256(Array(verified.bytes[..<verified.signedCount]))
    }

    /// Signs `fields` with the identity key.
    /// - Throws: `DocumentError` if a field is not of the form that a descriptor allows.
    public static func make(_ fields: DescriptorFields, identity: SigningKey) throws -> Descriptor {
        let items = fields.items(identity: identity.verificationKey)
        let bytes = try DocumentSignature.sign(items, kind: .descriptor, network: fields.network, key: identity)
        return try UnverifiedDescriptor(bytes).verify(network: fields.network)
    }

    /// Whether the node says that it can do `name` (`Capability.Name`).
    public func can(_ name: String) -> Bool { fields.capabilities.contains { $0.name == name } }

    /// What the node says of the nymserver of `domain`; nil if it does not serve it.
    public func nymDomain(_ domain: String) -> NymDomain? { fields.nymDomains.first { $0.domain == domain } }
}
