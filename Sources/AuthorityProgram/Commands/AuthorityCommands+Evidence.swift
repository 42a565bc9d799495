// `evidence`: what this authority holds against others.

internal import Daemon
internal import Spool
internal import WireFormat

extension AuthorityCommands {
    /// `evidence list`.
    public func listEvidence(configuration: String, json: Bool) throws {
        struct Entry: Encodable {
            var authority: String
            var slot: UInt64
            var kind: String
            var digest: String
            var seen: String
        }
        let store = try Self.openForReading(AuthoritySettings(configuration: configuration))
        defer { store.close() }
        let entries = try store.evidence().map {
            Entry(
                authority: $0.authority, slot: $0.slot, kind: $0.kind, digest: $0.digest.hex, seen: $0.seen.description)
        }
        if json { return try print(json: entries) }
        if entries.isEmpty { return terminal.message("there is no evidence against anybody") }
        for entry in entries {
            try terminal.print(
                "\(entry.digest)  \(entry.authority) signed two different documents (\(entry.kind)) for slot \(entry.slot), "
                    + "seen \(entry.seen)")
        }
    }

    /// `evidence show`: the document, both signed documents in it.
    /// - Parameter digest: hexadecimal, from `evidence list`.
    public func showEvidence(_ digest: String, configuration: String) throws {
        guard let wanted = Digest(hex: digest) else {
            throw CommandFailure(
                "\(digest.prefix(80)) is not a digest of 64 hexadecimal digits; see `evidence list`", code: .usage)
        }
        let store = try Self.openForReading(AuthoritySettings(configuration: configuration))
        defer { store.close() }
        guard let document = try store.document(wanted), document.kind == .evidence else {
            throw CommandFailure("there is no evidence \(digest); see `nightjar-authority evidence list`")
        }
        try terminal.write(bytes: document.bytes)
    }
}
