// The settings about answers and about names for addresses.

internal import Daemon
internal import Messages

/// `surb-log`, `reply-address` and `[aliases]` of `client.toml`.
struct ReplySettings: Sendable {
    /// Whether reply blocks that are made are noted.
    var logsReplyBlocks = true
    /// Where answers go if there is no mailbox.
    var replyAddress: String?
    /// Names that stand for addresses.
    var aliases: [String: Address] = [:]

    /// The defaults.
    init() {}

    init(_ table: ConfigTable) {
        logsReplyBlocks = table.value(
            "surb-log", .bool, default: true,
            doc: "Whether reply blocks that are made are noted, so that `surb list` shows which were answered.")
        replyAddress = table.optional(
            "reply-address", .string,
            doc: "Where answers go if you have no mailbox: an address of the kind user@host or mbox:name@node.")
        if let replyAddress, (try? Address(replyAddress)) == nil {
            table.report("reply-address", "this is not an address; write for example user@example.org")
        }
        let names = table.table("aliases")
        for (name, text) in names.entries(
            .string, like: "NAME", doc: "A name of your own for an address; use it wherever an address can stand.")
        {
            guard EntryName.isValid(name) else {
                names.report(name, "use 1 to 32 lower-case letters, digits and single hyphens between them")
                continue
            }
            do throws(AddressError) {
                aliases[name] = try Address(text)
            } catch {
                names.report(name, error.description)
            }
        }
    }
}

extension ClientConfig {
    var logsReplyBlocks: Bool { replies.logsReplyBlocks }
    var replyAddress: String? { replies.replyAddress }
    var aliases: [String: Address] { replies.aliases }
}
