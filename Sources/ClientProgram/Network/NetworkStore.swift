// The networks that a user has added: one file each, replaced only by a newer edition of the same signer.

internal import Daemon
public import Directory
internal import MixCrypto
internal import WireFormat

/// Why a network cannot be used, in words for people.
public enum NetworkStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    case none
    case several([String])
    case unknown(String)
    case document(path: String, why: String)
    case network(NetworkFileError)
    case scaledTime(String)
    case signerKey

    public var description: String {
        switch self {
        case .none: "no network is installed; run `nightjar network add FILE` with the network file of your network"
        case .several(let names):
            "several networks are installed (\(names.joined(separator: ", "))); choose one with --network NAME, "
                + "or for good with `network = \"NAME\"` in client.toml"
        case .unknown(let name): "no network called \(Printable.text(name)) is installed; see `nightjar network list`"
        case .document(let path, let why): "\(path) is not a network file: \(why)"
        case .network(let error): error.description
        case .scaledTime(let name):
            "\(ClientTime.scaleVariable) is set, but \(name) is no test network; unset it"
        case .signerKey: "--signer takes a key of 64 hexadecimal digits"
        }
    }
}

/// Who must have signed a network file.
enum NetworkSigner: Equatable, Sendable {
    /// This key, known before.
    case key(VerificationKey)
    /// Whoever the file names: when a person adds a network without knowing its key.
    case unknown

    /// For the file's own verification.
    var verificationKey: VerificationKey? {
        if case .key(let key) = self { key } else { nil }
    }

    /// Reads 64 hexadecimal digits.
    init(option text: String?) throws(NetworkStoreError) {
        guard let text else {
            self = .unknown
            return
        }
        guard let bytes = Hex.decode(text.lowercased()), let key = try? VerificationKey(bytes) else { throw .signerKey }
        self = .key(key)
    }
}

/// The directory of installed networks.
struct NetworkStore: Sendable {
    let directory: String
    let time: ClientTime

    /// A network of the most nodes, each with the longest descriptor, would be twice that; real ones are far below.
    static let sizeLimit = 64 << 20
    private static let suffix = ".network"

    /// Names of the installed networks, sorted.
    func names() throws(CommandFailure) -> [String] {
        guard ClientPlaces.isThere(directory) else { return [] }
        return try DirectoryListing.names(in: directory)
            .filter { $0.hasSuffix(Self.suffix) }.map { String($0.dropLast(Self.suffix.count)) }.sorted()
    }

    /// The network called `name`; without a name the only one installed. It was verified against a trusted signer when it
    /// was added, and is verified again.
    func load(_ name: String?) throws -> Network {
        let all = try names()
        let chosen: String
        if let name {
            guard all.contains(name) else { throw all.isEmpty ? NetworkStoreError.none : .unknown(name) }
            chosen = name
        } else {
            guard let only = all.first else { throw NetworkStoreError.none }
            guard all.count == 1 else { throw NetworkStoreError.several(all) }
            chosen = only
        }
        let parsed = try Self.parse(path(of: chosen))
        return try time.verify(parsed, trusting: .key(parsed.signer))
    }

    /// What adding a network changed, in words.
    enum Change: String {
        case added = "added"
        case updated = "updated"
        case nothing = "was installed already"
    }

    /// Installs the network of a file, or its newer edition.
    /// - Parameter trusted: who must have signed, if the user knows it from elsewhere.
    func add(_ file: String, trusted: NetworkSigner) throws -> (network: Network, change: Change) {
        let offered = try time.verify(Self.parse(file), trusting: trusted)
        var change = Change.added
        if try names().contains(offered.name) {
            let old = try Self.parse(path(of: offered.name))
            guard old.signer == offered.signer else { throw NetworkStoreError.network(.otherSigner) }
            guard old.version <= offered.version else {
                throw NetworkStoreError.network(.rollback(have: old.version, offered: offered.version))
            }
            let installed = try AtomicFile.read(path(of: offered.name), limit: Self.sizeLimit)
            guard installed != offered.bytes else { return (offered, .nothing) }
            change = .updated
        }
        _ = try PrivateDirectory(directory)
        try AtomicFile.write(offered.bytes, to: path(of: offered.name))
        return (offered, change)
    }

    /// The file of an installed network. Names of networks are lower-case letters, digits and hyphens: no path leads out.
    func path(of name: String) -> String { "\(directory)/\(name)\(Self.suffix)" }

    /// Reads a network file.
    static func parse(_ path: String) throws -> UnverifiedNetworkFile {
        let bytes = try AtomicFile.read(path, limit: sizeLimit)
        do throws(DocumentError) {
            return try UnverifiedNetworkFile(bytes)
        } catch {
            throw NetworkStoreError.document(path: path, why: error.description)
        }
    }
}
