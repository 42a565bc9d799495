import Directory
import Foundation
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Documents for the tests of a node's directory: one authority, nodes that are nothing but descriptors.
struct DirectoryFixture {
    static let now = Timestamp(seconds: 1_795_242_600)
    static let packetKey: KEMPublicKey? = try? KEMPrivateKey(seed: SecretBytes.random(count: KEM.seedSize)).publicKey

    let authority: SoleAuthority
    var root: NetworkFile { authority.root }

    init(urls: [String] = []) throws {
        authority = try SoleAuthority(
            network: "testing", isTest: true, key: HybridSigningKey.generate(), published: Self.now - .days(10),
            urls: urls)
    }

    static func identity(_ name: String) throws -> SigningKey {
        var seed = Digest.sha256(Array(name.utf8)).bytes
        return try SigningKey(seed: SecretBytes(moving: &seed))
    }

    /// A node that is reached at `address`.
    static func node(_ name: String, _ address: String = "127.0.0.1:4000") throws -> Descriptor {
        let fields = DescriptorFields(
            network: "testing", nickname: try #require(Nickname(name)),
            addresses: [try #require(NodeAddress(address))], published: now - .hours(1), validUntil: now + .days(5),
            keys: [KeyPeriod(2967): try #require(packetKey)], capabilities: [Capability(Capability.Name.relay)],
            software: "test")
        return try Descriptor.make(fields, identity: identity(name))
    }

    static func settings(_ directory: String, networkFile: String = "") throws -> NodeSettings {
        NodeSettings(
            nickname: try #require(Nickname("own")), dataDirectory: directory, networkFile: networkFile, listen: [],
            addresses: [try #require(NodeAddress("127.0.0.1:4001"))])
    }
}
