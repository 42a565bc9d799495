/// Where a listener is: an IPv4 or IPv6 address or a host name, and a TCP port.
public struct LinkAddress: Hashable, Sendable, CustomStringConvertible {
    /// The port that nodes use unless they say otherwise.
    public static let defaultPort = 48_099

    /// Address or name, without brackets.
    public var host: String
    /// 1...65535; 0 lets the system choose when binding.
    public var port: Int

    public init(host: String, port: Int = LinkAddress.defaultPort) {
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
