// Everything an authority is told, checked and typed. Reading it from a file is `AuthoritySettings+ConfigFile.swift`.

internal import Daemon
internal import Directory
internal import MMTP
internal import WireFormat

/// The settings of an authority.
struct AuthoritySettings: Sendable {
    /// As the network file names it.
    var name: Nickname
    var dataDirectory: String
    /// The network's trust root.
    var networkFile: String
    /// Where HTTP is served.
    var listen: LinkAddress
    var signingKey: String
    var certificate: String
    /// What it votes the parameters to be, by name; the defaults where nothing is said.
    var parameters: [String: Int64] = [:]
    /// Nodes that its operator knows to misbehave.
    var bad: Set<NodeID> = []
    /// Pingers that it believes.
    var pingers: Set<TrustedPinger> = []
    /// Whether nodes are tried before they are said to be running.
    var checksReachability = true
    var keepSlots = 432
    /// Where everything that is served is written as files too, for a web server.
    var publishDirectory: String?
    var locksMemory = false
    var registry = RegistryLimits()
    /// Requests over HTTP at one time.
    var connections = 512
    var metrics: MetricsSettings?
    var log = LogSettings()
    /// A test network's clock: how many times faster than real time, from which moment on.
    var timeScale = 1.0
    var timeOrigin = Timestamp(milliseconds: 0)

    var clock: ScaledClock { ScaledClock(origin: timeOrigin, scale: timeScale) }

    /// What it votes for in a network whose file fixes `root`.
    func votedParameters(_ root: RootParameters) -> NetworkParameters {
        var voted = NetworkParameters(root: root)
        for (name, value) in parameters { _ = voted.set(name, to: value) }
        return voted
    }
}
