// `nightjar network`: installing networks, and making one until authorities do.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import Mixing
internal import WireFormat

/// An installed network as JSON.
private struct NetworkReport: Encodable {
    var name: String
    var version: UInt32
    var isTestNetwork: Bool
    var published: String
    var validUntil: String
    var signer: String
    var nodes: Int
    /// Times in milliseconds.
    var parameters: [String: Int64]

    init(_ network: Network) {
        name = network.name
        version = network.version
        isTestNetwork = network.isTest
        published = network.published.description
        validUntil = network.validUntil.description
        signer = Hex.encode(network.signer.bytes)
        nodes = network.nodes.count
        parameters = Dictionary(uniqueKeysWithValues: network.parameters.values.map { ($0.name, $0.value) })
    }
}

extension Client {
    /// Installs a network file or its newer edition.
    /// - Parameter signer: the key that must have signed, 64 hexadecimal digits, if the user knows it from elsewhere.
    public func addNetwork(_ file: String, signer: String?) throws {
        let trusted = try NetworkSigner(option: signer)
        _ = try PrivateDirectory(places.data)
        let (network, change) = try store.add(file, trusted: trusted)
        note(
            "network \(network.name) version \(network.version) with \(Count.text(network.nodes.count, "node")) "
                + change.rawValue)
        if change == .added, signer == nil {
            note(
                "it is signed by \(Hex.encode(network.signer.bytes)); compare this key with one from another source: "
                    + "whoever holds it decides which nodes you use")
        }
    }

    /// Shows the networks that are installed.
    public func listNetworks(json: Bool) throws {
        struct Entry: Encodable {
            var name: String
            var problem: String?
            var version: UInt32?
            var nodes: Int?
            var validUntil: String?
        }
        let entries = try store.names().map { name in
            do {
                let network = try store.load(name)
                return Entry(
                    name: name, version: network.version, nodes: network.nodes.count,
                    validUntil: network.validUntil.description)
            } catch {
                return Entry(name: name, problem: CommandFailure(client: error).message)
            }
        }
        if json {
            try terminal.print(JSONText.encode(entries))
            return
        }
        guard !entries.isEmpty else { throw NetworkStoreError.none }
        var table = TextTable(["NETWORK", "VERSION", "NODES", "VALID UNTIL"])
        for entry in entries {
            table.add([
                entry.name, entry.version.map { "\($0)" } ?? "-", entry.nodes.map { "\($0)" } ?? "-",
                entry.validUntil ?? entry.problem ?? "-",
            ])
        }
        for line in table.lines { try terminal.print(line) }
    }

    private func networkToShow(_ name: String?) throws -> Network {
        do { return try network(name) } catch NetworkStoreError.several(let names) {
            throw CommandFailure(
                "several networks are installed (\(names.joined(separator: ", "))); say which, for example "
                    + "`nightjar network show \(names[0])`", code: .usage)
        }
    }

    /// Shows one network.
    public func showNetwork(_ name: String?, json: Bool) throws {
        let report = NetworkReport(try networkToShow(name))
        if json {
            try terminal.print(JSONText.encode(report))
            return
        }
        try terminal.print("network      \(report.name)\(report.isTestNetwork ? " (test network)" : "")")
        try terminal.print("version      \(report.version)")
        try terminal.print("published    \(report.published)")
        try terminal.print("valid until  \(report.validUntil)")
        try terminal.print("signer       \(report.signer)")
        try terminal.print("nodes        \(report.nodes)")
        for (name, value) in report.parameters.sorted(by: { $0.key < $1.key }) {
            let text = ["hops", "message-size"].contains(name) ? String(value) : Interval.milliseconds(value).shortText
            try terminal.print("parameter    \(name) \(text)")
        }
    }

    /// Makes the key that signs a network.
    public func makeNetworkKey(_ file: String) throws {
        let key = try SigningKey.generate()
        try key.withSeed { seed in
            let copy = try SecretBytes(count: seed.count) { (buffer) throws(Never) in buffer.copyMemory(from: seed) }
            try SecretFile.create(file, copy)
        }
        try terminal.print(Hex.encode(key.verificationKey.bytes))
        note("the key is in \(file): keep it secret and keep a copy; the line above is what users compare")
    }

    /// Signs a network file.
    public func signNetwork(_ request: NetworkSignRequest) throws {
        guard !request.descriptors.isEmpty else {
            throw CommandFailure("no nodes; name the files of their descriptors", code: .usage)
        }
        let key = try SigningKey(seed: SecretFile.read(request.key, count: 32))
        guard time.clock.scale == 1 || request.isTest else { throw NetworkStoreError.scaledTime(request.name) }
        let parameters = try request.networkParameters()
        let nodes = try request.descriptors.map { try Self.descriptor($0, network: request.name) }
        let now = Timestamp(seconds: time.clock.now().seconds)
        let network = try Network.make(
            name: request.name, version: request.version, isTest: request.isTest, published: now,
            validUntil: now + .days(Int64(request.validDays)), parameters: parameters, nodes: nodes, key: key)
        try AtomicFile.write(network.bytes, to: request.output, mode: 0o644)
        for node in nodes where node.fields.validUntil < network.validUntil {
            note(
                "the descriptor of \(node.fields.nickname.text) is valid until \(node.fields.validUntil) only; "
                    + "sign a new edition before that")
        }
        note(
            "network \(network.name) version \(network.version) with \(Count.text(nodes.count, "node")) written to \(request.output)"
        )
    }

    private static func descriptor(_ file: String, network: String) throws -> Descriptor {
        let bytes = try AtomicFile.read(file, limit: Descriptor.maximumSize)
        do throws(DocumentError) {
            return try UnverifiedDescriptor(bytes).verify(network: network)
        } catch {
            throw CommandFailure("\(file) is not a descriptor for the network \(network): \(error)")
        }
    }
}

/// What `nightjar network sign` is asked for.
public struct NetworkSignRequest: Sendable {
    /// File of the signing key.
    public var key: String
    public var name: String
    /// Must grow with each edition.
    public var version: UInt32
    public var isTest: Bool
    public var validDays: Int
    /// `name=value`; times in milliseconds or with a unit.
    public var parameters: [String]
    /// Files.
    public var descriptors: [String]
    /// File.
    public var output: String

    public init(
        key: String, name: String, version: UInt32, isTest: Bool, validDays: Int, parameters: [String],
        descriptors: [String],
        output: String
    ) {
        self.key = key
        self.name = name
        self.version = version
        self.isTest = isTest
        self.validDays = validDays
        self.parameters = parameters
        self.descriptors = descriptors
        self.output = output
    }

    /// Checks the whole request and reads its parameters.
    func networkParameters() throws -> NetworkParameters {
        guard (1...32).contains(name.utf8.count),
            name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
        else {
            throw CommandFailure("a network's name has 1 to 32 lower-case letters, digits and hyphens", code: .usage)
        }
        guard (1...3660).contains(validDays) else { throw CommandFailure("--valid-days takes 1 to 3660", code: .usage) }
        var result = NetworkParameters()
        for text in parameters {
            let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
            let value = sides.count == 2 ? Int64(sides[1]) ?? Interval(shortText: sides[1])?.milliseconds : nil
            guard let value, result.set(sides[0], to: value) else {
                let known = result.values.map(\.name).joined(separator: ", ")
                throw CommandFailure(
                    "\(Printable.text(text)) is not a parameter with a value that is allowed; write for example mean-delay=120s or "
                        + "hops=5; parameters are \(known)", code: .usage)
            }
        }
        let budget = TimeBudget(
            hops: 5, delayCap: result.delayCap, retryDeadline: result.retryDeadline, acceptance: result.acceptance)
        do throws(TimeBudgetError) {
            try budget.check()
        } catch {
            throw CommandFailure(error.description, code: .refused)
        }
        return result
    }
}
