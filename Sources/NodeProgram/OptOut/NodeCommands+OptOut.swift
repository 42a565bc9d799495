internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import MixCrypto
internal import Spool
internal import WireFormat

extension NodeCommands {
    /// `optout list`: counts, or whether somebody is among them. Fails if none of those who are asked for is.
    public static func listOptOuts(_ path: String, asking addresses: [String], json: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let files = NodeFiles(directory: settings.dataDirectory)
        let now = settings.clock.now()
        let cache = DirectoryCache(directory: files.directoryCache)
        let network =
            try cache.isInstalled
            ? cache.load(at: now, allowStale: true) : Network(root: NetworkView.root(settings, files: files))
        let terminal = Terminal.standard
        guard addresses.isEmpty else {
            return try ask(addresses, files: files, cache: cache, network: network, now: now)
        }
        let summary = try OptOutSummary(files, network: network, now: now)
        guard json else {
            for line in summary.lines { try terminal.print(line) }
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try terminal.print(String(decoding: encoder.encode(summary), as: UTF8.self))
    }

    private static func ask(
        _ addresses: [String], files: NodeFiles, cache: DirectoryCache, network: Network, now: Timestamp
    ) throws {
        let list = OptOutList(network: network.name)
        list.replace(OptOutCache(cache).inForce(network, at: now))
        let book = try book(files)
        var isThere = false
        for address in try parsed(addresses) {
            var places: [String] = []
            for name in address.isDomain ? [address] : [address, address.domain] {
                guard let hash = list.hash(of: name) else { throw CommandFailure("there is not memory enough") }
                let what = name == address ? "" : " (\(name))"
                if let entry = book?.entries[hash] {
                    let day = Timestamp(seconds: Int64(entry.day) * 86_400).description.prefix(10)
                    places.append("here since \(day)\(what)")
                }
                if book?.hasOptedIn(hash) == true { places.append("opted in here\(what)") }
                let nodes = list.holders(of: [hash])
                isThere = isThere || book?.hasOptedOut(hash) == true || !nodes.isEmpty
                for node in nodes {
                    let nickname = network.node(node)?.fields.nickname.text ?? String(node.hex.prefix(16))
                    places.append("stated by \(nickname)\(what)")
                }
            }
            try Terminal.standard.print("\(address): \(places.isEmpty ? "no" : places.joined(separator: ", "))")
        }
        if !isThere { throw CommandFailure("none of them has opted out") }
    }

    /// `optout add` and `optout remove`. A running node notices within seconds.
    public static func changeOptOuts(_ path: String, _ addresses: [String], adding: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let files = NodeFiles(directory: settings.dataDirectory)
        let network = try NetworkView.root(settings, files: files).name
        let terminal = Terminal.standard
        guard settings.exit != nil else {
            throw CommandFailure("this node is no exit, so that it sends mail to nobody", code: .usage)
        }
        let named = try parsed(addresses)
        let book = try OptOutBook(records: records(files))
        let hashing = OptOutHashing(network: network)
        var absent: [String] = []
        for address in named {
            let hash = try hashing(address)
            if adding {
                guard try book.optOut(hash, .hand, at: settings.clock.now()) != .full else {
                    throw CommandFailure(
                        "\(OptOutBook.maximumOptOuts) opt-outs are held here, and there is no room for more")
                }
                terminal.message("\(address) gets no more anonymous mail")
            } else if try book.withdraw(hash) {
                terminal.message("the opt-out of \(address) is forgotten here")
            } else {
                absent.append(address.text)
            }
        }
        guard absent.isEmpty else {
            throw CommandFailure(
                "not held here: \(absent.joined(separator: ", ")); see `nightjar-node optout list ADDRESS`")
        }
        if !files.isRunning { terminal.message("the network hears of it when the node runs") }
    }

    /// What is held here; nil for a node that has not run as an exit yet.
    static func book(_ files: NodeFiles) throws -> OptOutBook? {
        guard FileManager.default.fileExists(atPath: files.records) else { return nil }
        return try OptOutBook(records: records(files))
    }

    private static func records(_ files: NodeFiles) throws -> RecordStore {
        let key = try files.loadStorageKey().derive(salt: [], info: Node.recordKeyInfo, count: 32)
        return try RecordStore.open(path: files.records, key: key)
    }

    private static func parsed(_ addresses: [String]) throws -> [OptOutAddress] {
        try addresses.map { text in
            guard let address = OptOutAddress(text) else {
                throw CommandFailure(
                    "'\(text)' is no address such as ada@example.org, nor a domain such as @example.org",
                    code: .usage)
            }
            return address
        }
    }
}
