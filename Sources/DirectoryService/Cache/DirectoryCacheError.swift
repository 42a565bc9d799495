public import Daemon
public import Directory
public import WireFormat

/// What keeps a cache from being used or changed, besides what is wrong with a document's signatures and dates
/// (`NetworkFileError`, `ConsensusError`). In words for people.
public enum DirectoryCacheError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    /// No network file is installed in this directory.
    case nothing(String)
    case notNetworkFile(DocumentError)
    case notConsensus(DocumentError)
    case otherFingerprint(wanted: Digest, offered: Digest)
    /// The file at this path, and every older edition.
    case damagedNetworkFile(String)
    /// A consensus that somebody offered as this one is another one.
    case notClaimed(ConsensusLink)
    /// A certified consensus of the same slot as one that was installed; both are saved in this directory.
    case fork(Slot, have: Digest, offered: Digest, saved: String)

    public var description: String {
        switch self {
        case .nothing(let directory): "no network is installed in \(directory); add one with its network file"
        case .notNetworkFile(let error): "this is not a network file: \(error)"
        case .notConsensus(let error): "this is not a consensus: \(error)"
        case .otherFingerprint(let wanted, let offered):
            "the network file has the fingerprint \(offered.hex), not \(wanted.hex); do not use it, and ask where it came from"
        case .damagedNetworkFile(let path):
            "the network file \(path) is damaged, and so is every older edition; remove the network and add it again"
        case .notClaimed(let link): "this is not the consensus \(link.digest.hex.prefix(16)) of slot \(link.slot)"
        case .fork(let slot, let have, let offered, let saved):
            "there are two certified consensuses of slot \(slot), \(have.hex.prefix(16)) which was installed and "
                + "\(offered.hex.prefix(16)): authorities of this network lied, or their keys were stolen; both documents are "
                + "in \(saved), show them to the people who run the network, and do not rely on it before they have answered"
        }
    }

    public var exitCode: ExitCode {
        switch self {
        case .nothing: .usage
        case .notNetworkFile, .notConsensus, .notClaimed, .damagedNetworkFile: .failed
        case .otherFingerprint, .fork: .refused
        }
    }
}
