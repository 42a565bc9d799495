internal import Daemon

/// The lab's network as a client sees it.
public enum LabNetwork {
    /// Puts the network file where the lab's client looks for it, so that `nightjar-lab env` is all a shell needs.
    public static func installForClient(_ lab: Lab) throws {
        let home = try PrivateDirectory("\(lab.directory)/client")
        let networks = try home.directory("networks")
        try AtomicFile.write(AtomicFile.read(lab.networkFile, limit: 64 << 20), to: networks.file("lab.network"))
    }
}
