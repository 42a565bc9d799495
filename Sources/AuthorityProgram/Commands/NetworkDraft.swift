// The network file as its makers write it: TOML, from which the program makes the canonical document that they sign.
//
//     name = "example"
//     version = 1
//     mirrors = ["https://mirror.example.org/nightjar"]
//     [parameters]
//     slot-length = "20m"
//     [[authority]]
//     name = "alice"
//     identity = "alice.identity"
//     urls = ["https://alice.example.org"]

internal import Daemon
internal import Directory
internal import WireFormat

/// A network file in the making, read from TOML.
struct NetworkDraft {
    let file: UnverifiedNetworkFile
    /// The edition before, if there is one.
    let previous: NetworkFile?

    /// Reads the file at `path`; throws everything that is wrong with it at once.
    init(file path: String, now: Timestamp) throws {
        let config = try ConfigFile(path: path)
        let contents = Contents(config.root)
        try config.finish()
        let previous = try contents.previous.map { try NetworkDocument.installed($0) }
        if let previous {
            guard previous.name == contents.name, previous.isTest == contents.isTest,
                previous.parameters == contents.parameters
            else {
                throw CommandFailure(
                    "\(path): the name, test-network and [parameters] can never change; they must be as in \(contents.previous ?? "")",
                    code: .usage)
            }
            guard contents.version == previous.version + 1 else {
                throw CommandFailure(
                    "\(path): version must be \(previous.version + 1), one more than that of \(contents.previous ?? "")",
                    code: .usage)
            }
        } else if contents.version > 1 {
            throw CommandFailure(
                "\(path): version \(contents.version) follows another; name its file with: previous = \"FILE\"",
                code: .usage)
        }
        do throws(any Error) {
            file = try NetworkFile.draft(
                name: contents.name, version: contents.version, isTest: contents.isTest,
                published: Timestamp(seconds: now.seconds), authorities: contents.authorities,
                parameters: contents.parameters, mirrors: contents.mirrors, previous: previous?.digest)
        } catch {
            throw CommandFailure("\(path) does not make a network file: \(error)", code: .usage)
        }
        self.previous = previous
    }

    /// Every setting of such a file, for the manual.
    static var keys: [ConfigKey] { ConfigFile.keys { _ = Contents($0) } }

    /// What the TOML says.
    private struct Contents {
        var name: String
        var version: UInt32
        var isTest: Bool
        var previous: String?
        var mirrors: [String]
        var parameters: RootParameters
        var authorities: [Authority] = []

        init(_ root: ConfigTable) {
            name = root.required("name", .string, doc: "The network's name: lower-case letters, digits and hyphens.")
            if !NetworkDocument.isName(name), !name.isEmpty {
                root.report("name", "a network's name has 1 to 32 lower-case letters, digits and hyphens")
            }
            version = UInt32(
                root.value(
                    "version", .int(1...Int(UInt32.max)), default: 1, doc: "Edition; one more than that before."))
            isTest = root.value(
                "test-network", .bool, default: false,
                doc: "Allow private addresses and fast time; never for a network that people rely on.")
            previous = root.optional(
                "previous", .path, doc: "File of the edition before; from version 2 on.")
            mirrors = root.value(
                "mirrors", .strings, default: [],
                doc: "Where else the consensus is served: addresses of web servers, https:// or http://.")
            for url in mirrors where !Authority.isURL(url) { root.report("mirrors", NetworkDocument.urlAdvice(url)) }
            if Set(mirrors).count < mirrors.count { root.report("mirrors", "an address is there twice") }
            if mirrors.count > NetworkFile.maximumMirrors {
                root.report("mirrors", "there are more than \(NetworkFile.maximumMirrors)")
            }
            parameters = Self.parameters(root.table("parameters"))
            if !parameters.isConsistent {
                root.report("parameters", "slot-length <= fresh-for <= valid-for must hold")
            }
            let tables = root.tables("authority")
            for table in tables { if let authority = authority(table) { authorities.append(authority) } }
            if tables.isEmpty { root.report("authority", "there is none; write one [[authority]] for each, 1 to 9") }
            if tables.count > Authority.maximumCount {
                root.report("authority", "there are more than \(Authority.maximumCount)")
            }
        }

        private static func parameters(_ table: ConfigTable) -> RootParameters {
            var result = RootParameters()
            let docs = [
                "acceptance": "How long after its period's end a packet key is still accepted.",
                "fresh-for": "How long after its slot a consensus is fresh; programs warn about an older one.",
                "period-length": "Length of a key period.",
                "slot-length": "How often the authorities vote.",
                "valid-for": "How long after its slot a consensus can be used.",
            ]
            for (name, standard) in result.values {
                let value = table.value(
                    name, .duration(), default: .milliseconds(standard),
                    doc: docs[name] ?? "A number that never changes.")
                if !result.set(name, to: value.milliseconds) { table.report(name, "that is out of its range") }
            }
            return result
        }

        private func authority(_ table: ConfigTable) -> Authority? {
            let nameText = table.required(
                "name", .string, doc: "The authority's name: 1 to 24 letters, digits, - and _.")
            let path = table.required(
                "identity", .path, doc: "File with what `nightjar-authority identity new` printed for this authority.")
            let urls = table.value(
                "urls", .strings, default: [], doc: "Where it is reached: up to 4 addresses, https:// or http://.")
            guard !table.isDocumenting else { return nil }
            for url in urls where !Authority.isURL(url) { table.report("urls", NetworkDocument.urlAdvice(url)) }
            if urls.count > Authority.maximumURLs {
                table.report("urls", "there are more than \(Authority.maximumURLs)")
            }
            if Set(urls).count < urls.count { table.report("urls", "an address is there twice") }
            guard let name = Nickname(nameText) else {
                if !nameText.isEmpty {
                    table.report(
                        "name",
                        "a name has \(Nickname.rule)"
                    )
                }
                return nil
            }
            guard !path.isEmpty else { return nil }
            do throws(CommandFailure) {
                let key = try IdentityDocument(file: path).key
                if authorities.contains(where: { $0.name.folded == name.folded }) {
                    table.report("name", "there are two authorities called \(name)")
                }
                if let other = authorities.first(where: { $0.identity == key }) {
                    table.report("identity", "it is the same as that of \(other.name)")
                }
                return Authority(name: name, identity: key, urls: urls)
            } catch {
                table.report("identity", error.message)
                return nil
            }
        }
    }
}
