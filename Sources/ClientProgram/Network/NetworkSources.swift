// Whom to ask for the directory of a network: its authorities and mirrors, places of the user's own, and nodes.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import MMTP
internal import NIOCore
internal import NIOPosix
internal import WireFormat

/// The sources of a network.
struct NetworkSources {
    /// So many nodes are asked at most, drawn anew each time.
    static let nodes = 3

    private let client: Client
    private let http: DirectoryHTTPClient
    private let proxy: ProxySettings?

    /// - Parameter proxy: in place of that of the settings.
    init(_ client: Client, proxy: ProxySettings? = nil) {
        self.client = client
        self.proxy = proxy ?? client.config.directory.proxy
        var timeouts = DirectoryHTTPClient.Timeouts()
        timeouts.connect = .milliseconds(client.config.connectTimeout.milliseconds)
        http = DirectoryHTTPClient(proxy: self.proxy, timeouts: timeouts)
    }

    /// Everything that is known to ask for this network.
    func all(_ root: NetworkFile, _ network: Network?) -> [any DirectorySource] {
        var names: Set<String> = []
        var found: [any DirectorySource] = []
        for text in root.directoryURLs + client.config.directory.sources {
            guard let source = try? one(text), names.insert(source.name).inserted else { continue }
            found.append(source)
        }
        return found + links(network)
    }

    /// What a person names: a URL, a file or a directory.
    func one(_ text: String) throws(FetchError) -> any DirectorySource {
        if text.hasPrefix("http://") || text.hasPrefix("https://") {
            return QuietSource(source: try HTTPSource(url: text, client: http))
        }
        return DirectoryListing.isDirectory(text) ? FolderSource(text) : FolderSource(consensus: text)
    }

    /// Nodes, over their links. None behind a proxy, which would be gone around.
    private func links(_ network: Network?) -> [any DirectorySource] {
        guard proxy == nil, let network else { return [] }
        var configuration = DialerConfiguration()
        configuration.connectTimeout = client.config.connectTimeout
        configuration.handshakeTimeout = client.config.connectTimeout
        guard
            let dialer = try? MMTPDialer(
                configuration: configuration, group: MultiThreadedEventLoopGroup.singleton,
                clock: ScaledClock.systemTime)
        else { return [] }
        let blocked = client.blocked(in: network)
        return network.nodes.filter { !blocked.contains($0.id) }.shuffled().prefix(Self.nodes).map { node in
            LinkSource(
                name: "node \(node.name)", node: node.id,
                addresses: node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) }, dialer: dialer)
        }
    }
}
