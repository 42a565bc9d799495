// How a pinger fetches the directory, from its configuration.

internal import Daemon
internal import DirectoryService

/// The settings of the table `directory`.
struct DirectorySettings: Hashable, Sendable {
    /// Places to ask besides those that the network file names: URLs, or directories on this machine.
    var sources: [String] = []
    /// Through which the authorities are reached; nil for directly.
    var proxy: ProxySettings?

    init() {}

    /// Reads the table `directory`.
    init(_ table: ConfigTable) {
        sources = table.value(
            "sources", .strings, default: [],
            doc: "Places to ask for the consensus besides those that the network file names: URLs, or directories.")
        for source in sources where !source.hasPrefix("/") {
            do throws(FetchError) { _ = try DirectoryURL(source) } catch {
                table.report("sources", "\(source): \(error); a directory starts with /")
            }
        }
        let text = table.optional(
            "proxy", .string,
            doc: "Proxy to the authorities: http://host:port or socks5://host:port, with user:password@ if need be.")
        if let text, !table.isDocumenting {
            do throws(FetchError) { proxy = try ProxySettings(text) } catch { table.report("proxy", error.description) }
        }
    }
}
