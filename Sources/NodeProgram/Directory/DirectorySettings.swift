// How a node fetches the directory and makes itself known, from its configuration.

internal import Daemon
internal import Directory
internal import DirectoryService

/// The settings of the table `directory`.
struct DirectorySettings: Sendable {
    /// Further places to fetch from.
    var sources: [String] = []
    /// Through which the authorities are reached; nil for directly.
    var proxy: ProxySettings?
    /// Whether the descriptor is sent to the authorities.
    var publishes = true

    init() {}

    /// Reads the table `directory`.
    init(_ table: ConfigTable) {
        sources = table.value(
            "sources", .strings, default: [],
            doc:
                "Further places (http:// or https://) to fetch the consensus from, besides those that the network file names."
        ).filter { url in
            if Authority.isURL(url) { return true }
            table.report("sources", "'\(url)' is not an address such as https://mirror.example.org")
            return false
        }
        let text = table.optional(
            "proxy", .string,
            doc: "Proxy to the authorities: http://host:port or socks5://host:port, with user:password@ if need be.")
        if let text, !table.isDocumenting {
            do throws(FetchError) { proxy = try ProxySettings(text) } catch { table.report("proxy", error.description) }
        }
        publishes = table.value(
            "publish", .bool, default: true,
            doc: "Send the descriptor to the authorities; false for a node that is not to be found yet.")
    }
}
