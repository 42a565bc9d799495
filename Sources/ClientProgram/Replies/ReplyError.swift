internal import Daemon
internal import WireFormat

/// Why there is no answer to send, in words for people.
enum ReplyError: Error, Equatable, CustomStringConvertible, ExitCodeProviding {
    /// No reply block in what was given.
    case noBlocks
    /// Nothing in it but pieces that are damaged.
    case allDamaged(Int)
    /// All of them are past their date; the latest date.
    case expired(Int, latest: Timestamp)
    /// All of them were used by us before.
    case used(Int)
    /// They begin at a node that the network does not list.
    case otherNetwork(String)
    /// Fewer usable ones than the message needs.
    case tooFew(needed: Int, ReplyBlockSorting.Tally)
    /// Another process has used one of them meanwhile.
    case usedMeanwhile

    var description: String {
        switch self {
        case .noBlocks: "there is no reply block in the input; name the file that has it with --surb"
        case .allDamaged(let count):
            "\(Count.text(count, "reply block")) in the input cannot be read; copy the text whole, from BEGIN to END"
        case .expired(1, let date): "the reply block expired on \(date); ask for a new one"
        case .expired(let count, let date):
            "all \(count) reply blocks have expired, the last on \(date); ask for new ones"
        case .used(1): "this reply block was used before, and one works only once; ask for a new one"
        case .used(let count): "all \(count) reply blocks were used before, and each works only once; ask for new ones"
        case .otherNetwork(let network):
            "the reply blocks begin at nodes that are not in the network \(network); choose another with --network, "
                + "or get a newer network file"
        case .tooFew(let needed, let tally):
            "the message needs \(Count.text(needed, "reply block")), one for each packet, and \(tally.usable) of "
                + "\(tally.given) can be used\(tally.reasons.isEmpty ? "" : " (\(tally.reasons))"); ask for "
                + "\(needed - tally.usable) more, or shorten the message"
        case .usedMeanwhile: "another nightjar process has just used one of these reply blocks; nothing was sent"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .noBlocks: .usage
        case .allDamaged, .otherNetwork: .failed
        case .usedMeanwhile: .temporary
        case .expired, .used, .tooFew: .refused
        }
    }
}
