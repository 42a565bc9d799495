// What client.toml says about nyms.

internal import Daemon
internal import NymProtocol
internal import WireFormat

/// The table `[nyms]`.
struct NymSettings: Hashable, Sendable {
    /// Mean time between two refills of the reply blocks at a nym's server.
    var refillInterval = NymTiming.refill
    /// A Maildir for the mail of every nym that has none of its own; without one it waits for `receive`.
    var maildir: String?
    /// Maildirs by nym.
    var maildirs: [String: String] = [:]

    /// The defaults.
    init() {}

    /// Takes the settings out of a file.
    init(_ root: ConfigTable) {
        let table = root.table("nyms")
        refillInterval = table.value(
            "refill-interval", .duration(.minutes(1) ... .hours(12)), default: refillInterval,
            doc:
                "Mean time between two messages that bring new reply blocks to a nym's server, whether there was "
                    + "mail or not."
        )
        maildir = table.optional(
            "maildir", .path, doc: "A Maildir into which `nightjar run` and `nym check` write the mail of nyms.")
        let own = table.table("maildirs")
        for (name, path) in own.entries(
            .path, like: "NAME", doc: "A Maildir for the mail of one nym, by its address in quotation marks.")
        {
            guard let address = NymAddress(name) else {
                own.report(name, "this is no nym's address; write for example \"alice@nym.example\"")
                continue
            }
            maildirs[address.description] = path
        }
    }

    /// Where the mail of a nym is written; nil if nowhere.
    func maildir(of address: String) -> String? { maildirs[address] ?? maildir }
}
