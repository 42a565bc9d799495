internal import Daemon
internal import Directory
internal import DirectoryService

/// The lab's network as a client sees it.
public enum LabNetwork {
    /// Puts network file and consensus where the lab's client looks for them, so that `nightjar-lab env` is all a shell needs.
    public static func installForClient(_ lab: Lab) throws {
        let home = try PrivateDirectory("\(lab.directory)/client")
        let cache = DirectoryCache(directory: try home.directory("networks").file("lab"))
        try cache.install(root: AtomicFile.read(lab.networkFile, limit: 1 << 20))
        let network = try lab.network()
        guard let consensus = network.consensus else { return }
        try cache.install(
            consensus: consensus.bytes, descriptors: network.nodes.map(\.bytes), now: lab.now)
    }
}
