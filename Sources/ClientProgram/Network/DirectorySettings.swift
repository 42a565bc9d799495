// What client.toml says about where the directory comes from.

internal import Daemon
internal import DirectoryService

/// The table `[directory]`.
struct DirectorySettings: Equatable, Sendable {
    /// Places to ask besides those that the network file names: URLs, or directories on this machine.
    var sources: [String] = []
    /// What HTTP goes through.
    var proxy: ProxySettings?
    /// Whether anything is fetched without being told to.
    var refreshes = true

    /// The defaults.
    init() {}

    /// Takes the settings out of a file.
    init(_ root: ConfigTable) {
        let table = root.table("directory")
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
            doc: "A proxy for everything that is fetched: \"socks5://host:port\" or \"http://host:port\".")
        if let text {
            do throws(FetchError) { proxy = try ProxySettings(text) } catch { table.report("proxy", "\(error)") }
        }
        refreshes = table.value(
            "refresh", .bool, default: true,
            doc: "Whether a newer consensus is fetched without being told to. Without it: nightjar network update.")
    }
}
