// Where a program that uses the network and is no node fetches the directory, from its configuration.

public import Daemon
public import WireFormat

/// The settings of the table `directory`.
public struct DirectoryPlaces: Hashable, Sendable {
    /// Places to ask besides those that the network file names: URLs, or directories on this machine.
    public var sources: [String] = []
    /// Through which the authorities are reached; nil for directly.
    public var proxy: ProxySettings?

    public init() {}

    /// Reads the table `directory`.
    public init(_ table: ConfigTable) {
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

extension ConfigTable {
    /// Reads `network-digest`: what the first network file must be; nil if the operator does not say.
    public func networkDigest() -> Digest? {
        let text = optional(
            "network-digest", .string,
            doc: "What the first network file must be, as 64 hexadecimal digits, if you know it from elsewhere.")
        guard let text, !isDocumenting else { return nil }
        let digest = Digest(hex: text)
        if digest == nil { report("network-digest", "it is not 64 hexadecimal digits") }
        return digest
    }
}

/// What a `NetworkKeeper` is told.
public struct NetworkKeeperSettings: Sendable {
    /// What the program is called in messages: "pinger".
    public var program: String
    /// The network's trust root, a file.
    public var networkFile: String
    /// What the network file must be, if the operator knows it from elsewhere.
    public var networkDigest: Digest?
    /// Where the network file as trusted, the consensus and the descriptors are kept (`DirectoryCache`).
    public var cacheDirectory: String
    public var places: DirectoryPlaces
    /// How long connecting to a source may take, real time.
    public var connectTimeout: Interval

    public init(
        program: String, networkFile: String, networkDigest: Digest?, cacheDirectory: String, places: DirectoryPlaces,
        connectTimeout: Interval
    ) {
        self.program = program
        self.networkFile = networkFile
        self.networkDigest = networkDigest
        self.cacheDirectory = cacheDirectory
        self.places = places
        self.connectTimeout = connectTimeout
    }
}
