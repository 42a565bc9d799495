/// Why there is no path; each names the constraint that failed.
public enum PathError: Error, Equatable, Sendable, CustomStringConvertible {
    case syntax(String)
    case unknownNode(String)
    case blockedNode(String)
    /// No node that may be the first; the one that the path names there, if it names one.
    case blockedEntry(String?)
    /// No node that may be the last.
    case blockedExit(String?)
    case tooLong(Int, maximum: Int)
    case tooShort
    case noExit(String)
    /// No node that sends packets on; the one that the path names before its end, if it names one.
    case cannotRelay(String?)
    /// Mail leaves only at nodes that choose whom they write to; one of them.
    case noOpenExit(String)
    case cannotExit(String, needs: String)
    case notEnoughNodes(wanted: Int, usable: Int)
    case repeated(String)
    case sameFamily(String, String)
    case sameNetwork(String, String)
    /// A link between two hops through which nothing arrives.
    case brokenLink(String, String)
    case notRunning(String)
    case badNode(String)
    case noKey(String, period: String)
    case expiredNode(String)
    case notFound(String)

    public var description: String {
        switch self {
        case .syntax(let what): "the path is not well-formed: \(what)"
        case .unknownNode(let name): "no node of this network is called \(name); see `nightjar nodes`"
        case .blockedNode(let name): "the path names \(name), which your configuration blocks"
        case .blockedEntry(let name):
            name.map { "the path begins at \($0), which blocked-entries in your configuration forbids" }
                ?? "blocked-entries in your configuration leaves no node for a path to begin at"
        case .blockedExit(let name):
            name.map { "the path ends at \($0), which blocked-exits in your configuration forbids" }
                ?? "blocked-exits in your configuration leaves no node for a path to end at"
        case .tooLong(let count, let maximum): "the path has \(count) hops, but a packet has room for \(maximum)"
        case .tooShort: "the path has no hop"
        case .noExit(let what): "no node of this network can deliver to \(what); see `nightjar nodes`"
        case .cannotRelay(let name):
            name.map { "the path passes \($0), which sends no packets on; it can only be the last" }
                ?? "no node of this network sends packets on"
        case .noOpenExit(let name):
            "no node of this network writes to everybody; if the recipient knows that one writes to him, name it at the "
                + "path's end, such as *,\(name)"
        case .cannotExit(let name, let what): "the path ends at \(name), which does not deliver to \(what)"
        case .notEnoughNodes(let wanted, let usable):
            "the path needs \(wanted) different nodes, but only \(usable) of the network are usable"
        case .repeated(let name): "the path would pass \(name) twice; every hop must be another node"
        case .sameFamily(let a, let b): "the path would pass \(a) and \(b), which the same people run"
        case .sameNetwork(let a, let b):
            "the path would pass \(a) and \(b), which are in one network (IPv4 /16 or IPv6 /32)"
        case .brokenLink(let a, let b):
            "the path would go from \(a) to \(b), but at present packets get lost on that way; put another node between them"
        case .notRunning(let name):
            "node \(name) does not answer at present, or is so new that not every node knows it; name another or try later"
        case .badNode(let name): "the authorities warn of node \(name); name another"
        case .noKey(let name, let period):
            "node \(name) has published no key for period \(period); run `nightjar network update`, or name another"
        case .expiredNode(let name):
            "the descriptor of node \(name) has expired; run `nightjar network update`, or name another"
        case .notFound(let constraint):
            "no path meets all demands: the one that failed most often is \(constraint); shorten the path or demand less"
        }
    }
}
