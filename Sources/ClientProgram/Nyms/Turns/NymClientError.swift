internal import Daemon

/// What goes wrong with nyms, in words for people.
enum NymClientError: Error, Hashable, CustomStringConvertible, ExitCodeProviding {
    case badAddress(String)
    case reservedName(String)
    case unknown(String)
    case unknownDomain(String, known: [String])
    case keysDiffer(String, keys: [String])
    case wrongKey(String, announced: String)
    case noMailbox(String)
    case tooManyRequests(String)
    case notPrimary(String)
    case notActive(String, why: String)
    case unknownItem(String)
    case notAnExport(String)
    case wrongPassphrase(String)
    case deadLink(String, String)
    case keyNotAnnounced(String, fingerprint: String)
    case domainInDoubt(String)

    var description: String {
        switch self {
        case .badAddress(let text):
            "\(Printable.text(text)) is no nym's address: write name@domain, with 2 to 32 lower-case letters, "
                + "digits and single dots, hyphens or underscores before the @"
        case .reservedName(let name): "nobody gets the name \(Printable.text(name)); choose another"
        case .unknown(let address):
            "nothing is known here of the nym \(Printable.text(address)); see `nightjar nym list`"
        case .unknownDomain(let domain, let known):
            "no node of the network takes mail for nyms at \(Printable.text(domain))"
                + (known.isEmpty
                    ? "; it has no nymserver" : "; it has nymservers for \(known.joined(separator: ", "))")
        case .keysDiffer(let domain, let keys):
            "nodes do not agree about the key of \(domain), so one of them deceives or is out of date; ask the "
                + "domain's operator for the fingerprint and give it with --server-key:\n  "
                + keys.joined(separator: "\n  ")
        case .wrongKey(let domain, let announced):
            "the key of \(domain) that nodes announce is another one, \(announced); nothing was made. Compare the "
                + "fingerprint with what the domain's operator publishes"
        case .noMailbox(let address):
            "the mailbox of \(address) is not in the keyring; make it a new one: nightjar nym check \(address) --renew"
        case .tooManyRequests(let address):
            "too many requests of \(address) wait for their results; try again when the server has answered "
                + "(nightjar nym status \(address))"
        case .notPrimary(let address):
            "another device of yours looks after \(address); do this there, or take it over: nightjar nym check "
                + "\(address) --renew"
        case .notActive(let address, let why): "\(address) \(why)"
        case .unknownItem(let text):
            "there is no mail \(Printable.text(text)) at the server, as far as is known; see `nightjar nym list NAME`"
        case .notAnExport(let path): "\(path) is no exported nym, or is damaged"
        case .deadLink(let device, let reason):
            "mail cannot be passed on to \(Printable.text(device)): \(reason); if that device is gone: nightjar nym "
                + "unlink"
        case .keyNotAnnounced(let domain, let fingerprint):
            "no node announces \(domain) with the key that this nym was made with (\(fingerprint)); its requests wait. "
                + "If the domain's operator says that the key has changed, the nym has ended there"
        case .domainInDoubt(let domain):
            "nodes announce different keys for \(domain), so one of them would read or lose this mail; write to the "
                + "nym by its ordinary mail address instead (smtp:)"
        case .wrongPassphrase(let path): "the passphrase does not open \(path)"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .badAddress, .reservedName, .unknown, .unknownItem: .usage
        case .tooManyRequests: .temporary
        case .keysDiffer, .wrongKey, .notActive, .domainInDoubt: .refused
        default: .failed
        }
    }
}
