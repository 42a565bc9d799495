import Directory
import MixCrypto
import Testing
import WireFormat

/// Nodes and networks for the tests of this target. All keys come from fixed seeds, so that every document is the same in
/// every run; one packet key serves all nodes, because making one is slow and nothing here decrypts.
enum TestDirectory {
    static let now = Timestamp(seconds: 1_795_242_600)  // 2026-11-21T06:30:00Z
    static let period = KeyPeriod(2967)
    static let packetKey: KEMPublicKey? = {
        var seed = [UInt8](repeating: 7, count: KEM.seedSize)
        return try? KEMPrivateKey(seed: SecretBytes(moving: &seed)).publicKey
    }()

    static func signingKey(_ number: UInt8) throws -> SigningKey {
        var seed = [UInt8](repeating: number, count: 32)
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }

    static func fields(_ name: String, _ address: String = "8.8.4.4", network: String = "testing") throws
        -> DescriptorFields
    {
        DescriptorFields(
            network: network, nickname: try #require(Nickname(name)), addresses: [try #require(NodeAddress(address))],
            published: now - .hours(1), validUntil: now + .days(2), keys: [period: try #require(packetKey)],
            capabilities: [Capability(Capability.Name.relay)], software: "nightjar 0.1")
    }

    /// The descriptor of the node with identity `number`.
    static func descriptor(
        _ number: UInt8, _ name: String, _ address: String = "8.8.4.4",
        change: (inout DescriptorFields) throws -> Void = { _ in }
    ) throws -> Descriptor {
        var fields = try fields(name, address)
        try change(&fields)
        return try Descriptor.make(fields, identity: signingKey(number))
    }

    static func hybridKey(_ number: UInt8) throws -> HybridSigningKey {
        var seed = [UInt8](repeating: number, count: HybridSigningKey.seedSize)
        return try HybridSigningKey(seed: SecretBytes(moving: &seed))
    }

    /// A network of these nodes, certified by one authority.
    static func network(
        _ nodes: [Descriptor], isTest: Bool = false, parameters: NetworkParameters = NetworkParameters(),
        brokenLinks: [NodeLink] = [], change: (inout ConsensusNode) -> Void = { _ in }
    ) throws -> Network {
        let authority = try SoleAuthority(
            network: "testing", isTest: isTest, parameters: parameters, key: hybridKey(200), published: now - .hours(2))
        let consensus = try authority.certify(nodes, at: now, brokenLinks: brokenLinks, change: change)
        return Network(root: authority.root, consensus: consensus, descriptors: nodes)
    }

    /// `document` with its items changed and signed anew, so that only the change itself can be what is refused.
    static func resigned(
        _ document: [UInt8], kind: DocumentKind, network: String = "testing", key: SigningKey,
        change: (inout [DocumentItem]) throws -> Void
    ) throws -> [UInt8] {
        var items = try Document.parse(document).map(\.item)
        items.removeLast()
        try change(&items)
        return try DocumentSignature.sign(items, kind: kind, network: network, key: key)
    }
}

extension [DocumentItem] {
    /// Where the first item with `keyword` is.
    func position(_ keyword: String) throws -> Int { try #require(firstIndex { $0.keyword == keyword }) }

    /// Gives the first item with `keyword` other arguments.
    mutating func set(_ keyword: String, _ arguments: String...) throws {
        self[try position(keyword)].arguments = arguments
    }
}
