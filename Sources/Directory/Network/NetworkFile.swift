// The network file: who runs a network's directory, and the numbers that never change. It is what a person decides to trust;
// everything else follows from it (doc/DIRECTORY.md, network file).

internal import MixCrypto
public import WireFormat

/// A network file that a quorum of its authorities signed.
public struct NetworkFile: Hashable, Sendable {
    /// Most places besides the authorities where the consensus is served.
    public static let maximumMirrors = 16
    /// Most bytes of a network file.
    public static let maximumSize = 256 << 10

    public let name: String
    /// Grows by one with each edition.
    public let version: UInt32
    /// A test network may have private addresses and short periods.
    public let isTest: Bool
    public let published: Timestamp
    /// 1 to 9, ascending by name.
    public let authorities: [Authority]
    public let parameters: RootParameters
    /// Other places that serve what the authorities publish.
    public let mirrors: [String]
    /// Digest of the edition before.
    public let previous: Digest?
    /// The canonical bytes, with signatures.
    public let bytes: [UInt8]
    /// SHA-256 of what is signed: what people compare.
    public let digest: Digest

    init(_ unverified: UnverifiedNetworkFile) {
        name = unverified.name
        version = unverified.version
        isTest = unverified.isTest
        published = unverified.published
        authorities = unverified.authorities
        parameters = unverified.parameters
        mirrors = unverified.mirrors
        previous = unverified.previous
        bytes = unverified.bytes
        digest = unverified.digest
    }

    /// How many authorities may lie.
    public var faults: Int { Quorum.faults(authorities.count) }
    /// How many must sign.
    public var quorum: Int { Quorum.needed(authorities.count) }
    public var slots: SlotCalendar { SlotCalendar(length: parameters.slotLength) }

    public func authority(named name: Nickname) -> Authority? { authorities.first { $0.name == name } }
    public func authority(id: Digest) -> Authority? { authorities.first { $0.id == id } }
    public func index(of name: Nickname) -> Int? { authorities.firstIndex { $0.name == name } }

    /// Who proposes in a slot.
    public func leader(of slot: Slot) -> Authority {
        authorities[Int(slot.number % UInt64(authorities.count))]
    }

    /// A network file that nobody has signed yet.
    /// - Throws: `DocumentError` if a value is not of the form that the document allows.
    public static func draft(
        name: String, version: UInt32, isTest: Bool, published: Timestamp, authorities: [Authority],
        parameters: RootParameters = RootParameters(), mirrors: [String] = [], previous: Digest? = nil
    ) throws -> UnverifiedNetworkFile {
        var items: [DocumentItem] = [
            DocumentItem(DocumentKind.network.rawValue, ["2"]),
            DocumentItem("network", [name]),
            DocumentItem("version", [String(version)]),
        ]
        if isTest { items.append(DocumentItem("test-network")) }
        items.append(DocumentItem("published", [published.description]))
        if let previous { items.append(DocumentItem("previous", [previous.hex])) }
        for authority in authorities.sorted(by: { $0.name.text < $1.name.text }) {
            items.append(
                DocumentItem(
                    "authority", [authority.name.text],
                    object: DocumentObject(DocumentSignature.hybridKeyLabel, authority.identity.bytes)))
            items += authority.urls.map { DocumentItem("url", [$0]) }
        }
        items.append(DocumentItem("quorum", [String(Quorum.needed(authorities.count))]))
        items += parameters.values.map { DocumentItem("parameter", [$0.name, String($0.value)]) }
        items += mirrors.sorted().map { DocumentItem("mirror", [$0]) }
        return try UnverifiedNetworkFile(Document.write(items))
    }
}

/// Why a network file is not to be trusted, in words for people.
public enum NetworkFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case badSignature(String)
    case notEnoughSignatures(have: Int, needed: Int, of: String)
    case otherNetwork(String)
    case rollback(have: UInt32, offered: UInt32)
    case gap(have: UInt32, offered: UInt32)
    case fork(version: UInt32)
    case notSucceeding(version: UInt32)
    case changedForever(String)

    public var description: String {
        switch self {
        case .badSignature(let name):
            "the signature of authority \(name) on the network file is wrong: it was damaged or forged; fetch it again"
        case .notEnoughSignatures(let have, let needed, let set):
            "the network file has \(have) good signatures of \(set), but \(needed) are needed; do not use it"
        case .otherNetwork(let name): "this is the network file of another network, \(name)"
        case .rollback(let have, let offered):
            "the network file is version \(offered), older than version \(have) that is installed"
        case .gap(let have, let offered):
            "the network file is version \(offered), but version \(have) is installed and each edition vouches for the next "
                + "only: add the editions between them first"
        case .fork(let version):
            "there are two different network files of version \(version), both signed: somebody may be lying to you; ask the "
                + "people who run the network which fingerprint is right"
        case .notSucceeding(let version):
            "the network file of version \(version) does not name the installed edition as the one before it; do not use it"
        case .changedForever(let what):
            "the network file changes \(what), which may never change while a network lives; do not use it"
        }
    }
}
