// Who says which nodes a lab has: authorities as processes of their own, or, in a lab without them, one key that certifies
// everything once.

internal import Daemon
public import Directory
internal import DirectoryService
internal import Foundation
internal import MixCrypto
internal import WireFormat

extension Lab {
    /// Makes the authorities' keys and the network file.
    /// - Returns: what makes the consensus in a lab without authorities.
    func makeTrust(_ plan: LabPlan, origin: Timestamp) throws -> SoleAuthority? {
        let published = Timestamp(seconds: origin.seconds)
        guard plan.authorities > 0 else {
            var lengths = RootParameters()
            lengths.freshFor = .days(365)
            lengths.validFor = .days(365)
            let sole = try SoleAuthority(
                network: "lab", isTest: true, parameters: plan.parameters, rootParameters: lengths, key: .generate(),
                published: published)
            try AtomicFile.write(sole.root.bytes, to: networkFile)
            return sole
        }
        let identities = try state.authorities.map { _ in try HybridSigningKey.generate() }
        var lengths = RootParameters()
        lengths.slotLength = plan.slotLength
        // An hour of ours, however fast the network's clock runs: nobody is warned of what is minutes old to him.
        lengths.freshFor = min(.days(90), .seconds(Int64((3600 * max(1, plan.timeScale)).rounded(.up))))
        lengths.validFor = max(.days(3), lengths.freshFor * 2)
        lengths.periodLength = plan.parameters.periodLength
        lengths.acceptance = plan.parameters.acceptance
        var draft = try NetworkFile.draft(
            name: "lab", version: 1, isTest: true, published: published,
            authorities: zip(state.authorities, identities).compactMap { authority, key in
                Nickname(authority.name).map {
                    Authority(name: $0, identity: key.verificationKey, urls: [authority.url])
                }
            }, parameters: lengths)
        for key in identities { draft = try draft.signed(by: key) }
        let root = try draft.verify()
        try AtomicFile.write(root.bytes, to: networkFile)
        for (authority, identity) in zip(state.authorities, identities) {
            try make(authority, identity: identity, origin: origin)
        }
        return nil
    }

    /// Writes what the authorities are told.
    /// - Parameter pinger: digest of the key of the pinger that they trust; nil for none.
    func configureAuthorities(_ plan: LabPlan, origin: Timestamp, pinger: Digest?) throws {
        for authority in state.authorities {
            try AtomicFile.write(
                text: authorityText(authority, plan: plan, origin: origin, pinger: pinger),
                to: configuration(authority.name))
        }
    }

    private func make(_ authority: LabAuthority, identity: HybridSigningKey, origin: Timestamp) throws {
        guard let name = Nickname(authority.name) else { throw LabError("\(authority.name) is not a name") }
        let directory = try PrivateDirectory(dataDirectory(authority.name))
        let seed = try SecretBytes.random(count: HybridSigningKey.seedSize)
        let key = try HybridSigningKey(seed: seed.copy())
        try SecretFile.create(directory.file("signing.key"), seed)
        let begin = Timestamp(seconds: origin.seconds)
        let certificate = try AuthorityCertificate.make(
            network: "lab", name: name, identity: identity, key: key.verificationKey, published: begin,
            validUntil: begin + AuthorityCertificate.maximumValidity)
        try AtomicFile.write(certificate, to: directory.file("certificate"))
        // The identity stays with whoever wants to play the authority's operator, or to lie in its name.
        try identity.withSeed { seed in
            try SecretFile.create(
                "\(self.directory)/authorities/\(authority.name).identity",
                SecretBytes(count: seed.count) { (copy) throws(Never) in copy.copyMemory(from: seed) })
        }
    }

    private func authorityText(
        _ authority: LabAuthority, plan: LabPlan, origin: Timestamp, pinger: Digest?
    ) -> String {
        let parameters = plan.parameters.values
            .filter { $0.name != "acceptance" && $0.name != "period-length" }
            .map { "\($0.name) = \($0.value)\n" }.joined()
        return """
            # Made by nightjar-lab.
            name = "\(authority.name)"
            data-directory = "\(dataDirectory(authority.name))"
            network-file = "\(networkFile)"
            listen = "127.0.0.1:\(authority.port)"

            [parameters]
            \(parameters)
            [limits]
            # A lab's nodes are all new at once.
            new-nodes-per-hour = 100000

            [test]
            time-scale = \(plan.timeScale)
            time-origin = \(origin.milliseconds)

            """ + (pinger.map { "\n[pingers]\n\(Self.pingerName) = \"\($0.hex)\"\n" } ?? "")
    }

    /// The consensus of a lab without authorities, given to every node.
    func certify(_ nodes: [Descriptor], by sole: SoleAuthority, at origin: Timestamp) throws {
        let consensus = try sole.certify(nodes, at: origin)
        let readers =
            state.nodes.map(\.name) + (state.pinger == nil ? [] : [Self.pingerName])
            + (state.nymserver == nil ? [] : [Self.nymserverName])
        let places = [directoryFiles] + readers.map { dataDirectory($0) + "/directory" }
        for place in places {
            let cache = DirectoryCache(directory: place)
            try cache.install(root: sole.root.bytes)
            try cache.install(consensus: consensus.bytes, descriptors: nodes.map(\.bytes), now: origin)
        }
    }

    /// Starts the authorities that are not running.
    mutating func startAuthorities() throws {
        for authority in state.authorities where authority.pid == 0 { try start(authority.name) }
    }

    /// The network as `name`, a node, sees it now; in a lab without authorities as everybody does.
    public func network(seenBy name: String? = nil) throws -> Network {
        let directory = name.map { dataDirectory($0) + "/directory" }
        return try DirectoryCache(
            directory: directory ?? state.nodes.first.map { dataDirectory($0.name) + "/directory" } ?? directoryFiles
        ).load(at: now)
    }
}
