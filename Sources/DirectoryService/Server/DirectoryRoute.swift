// The names under which an authority serves its documents. They are file names too, so that any web server can mirror them:
// no name is both a file and a folder, and none needs a query.

public import WireFormat

/// Something to GET.
public enum DirectoryRoute: Hashable, Sendable {
    /// `/consensus`: the latest certified consensus.
    case consensus
    /// `/consensuses/HEIGHT`: the certified consensus of a slot.
    case consensusAt(UInt64)
    /// `/descriptors`: the bundle of all descriptors that the latest consensus names.
    case descriptors
    /// `/documents/DIGEST`: a descriptor, vote, proposal, certificate or evidence, by the digest of its signed part.
    case document(Digest)
    /// `/network`: the network file.
    case network
    /// `/networks/VERSION`: an older version of the network file.
    case networkVersion(UInt32)
    /// `/votes/SLOT`: a list of `vote NAME DIGEST`.
    case votes(UInt64)
    /// `/signatures/SLOT`.
    case signatures(UInt64)
    /// `/slots`: a summary of the last slots, JSON.
    case slots
    /// `/evidence`: a list of the evidence against authorities.
    case evidence
    /// `/reports`: a list of `report NAME DIGEST PUBLISHED`, the newest of each pinger that the authority trusts.
    case reports
    /// Any other path without its first slash, such as `health`; empty for `/`. At most 128 bytes of letters, digits,
    /// `.`, `-`, `_` and `/`; no part is empty or starts with a dot.
    case page(String)

    /// Most bytes of a path.
    public static let longestPath = 128

    /// Reads the path of a request, from its first slash on; what follows a `?` is ignored. Nil for a path that nothing
    /// can be served at.
    public init?(path: some StringProtocol) {
        let path = path.prefix { $0 != "?" }
        guard path.utf8.count <= Self.longestPath, path.utf8.first == UInt8(ascii: "/") else { return nil }
        let rest = String(path.dropFirst())
        guard rest.utf8.allSatisfy(Self.isPlain) else { return nil }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard rest.isEmpty || parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else { return nil }
        guard parts.count == 2 else {
            switch rest {
            case "consensus": self = .consensus
            case "descriptors": self = .descriptors
            case "network": self = .network
            case "slots": self = .slots
            case "evidence": self = .evidence
            case "reports": self = .reports
            default: self = .page(rest)
            }
            return
        }
        let route: DirectoryRoute?
        switch parts[0] {
        case "consensuses": route = Self.number(parts[1]).map(Self.consensusAt)
        case "documents": route = Digest(hex: parts[1]).map(Self.document)
        case "networks": route = Self.number(parts[1]).flatMap(UInt32.init(exactly:)).map(Self.networkVersion)
        case "votes": route = Self.number(parts[1]).map(Self.votes)
        case "signatures": route = Self.number(parts[1]).map(Self.signatures)
        default: route = .page(rest)
        }
        guard let route else { return nil }
        self = route
    }

    /// The path without its first slash, as a mirror names the file.
    public var name: String {
        switch self {
        case .consensus: "consensus"
        case .consensusAt(let height): "consensuses/\(height)"
        case .descriptors: "descriptors"
        case .document(let digest): "documents/\(digest.hex)"
        case .network: "network"
        case .networkVersion(let version): "networks/\(version)"
        case .votes(let slot): "votes/\(slot)"
        case .signatures(let slot): "signatures/\(slot)"
        case .slots: "slots"
        case .evidence: "evidence"
        case .reports: "reports"
        case .page(let path): path
        }
    }

    /// The path of a request.
    public var path: String { "/" + name }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"): true
        default: false
        }
    }

    /// A number in its one spelling: digits without leading zeros.
    private static func number(_ text: Substring) -> UInt64? {
        UInt64(text).flatMap { String($0) == text ? $0 : nil }
    }
}
