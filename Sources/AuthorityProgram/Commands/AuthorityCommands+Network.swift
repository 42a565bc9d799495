// `draft-network`, `sign-network`, `show-network`: making and changing the file that says who the authorities are.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

extension AuthorityCommands {
    /// `draft-network`: makes the document that authorities sign, from TOML.
    public func draftNetwork(_ path: String, output: String?) throws {
        let draft = try NetworkDraft(file: path, now: now)
        try write(draft.file.bytes, to: output)
        let count = draft.file.authorities.count
        terminal.message(
            "network \(draft.file.name) version \(draft.file.version) with \(count) authorities, of which "
                + "\(Quorum.faults(count)) may fail; \(Quorum.needed(count)) must sign")
        if let previous = draft.previous {
            terminal.message(
                "and \(previous.quorum) of the \(previous.authorities.count) authorities of version \(previous.version)"
            )
        }
        if count < 3 {
            terminal.message(
                "warning: fewer than 3 authorities: a single one that fails or lies stops or rules the network")
        }
        terminal.message("fingerprint \(Fingerprint.text(draft.file.digest))")
    }

    /// `sign-network`: adds the signature of one authority.
    /// - Parameters:
    ///   - previous: file of the edition before, whose authorities must sign too.
    ///   - output: nil replaces the draft.
    public func signNetwork(
        _ path: String, identity: String, previous: String?, output: String?, passphrase: IdentityPassphrase
    ) throws {
        let draft = try NetworkDocument.unverified(path)
        let old = try previousEdition(of: draft, at: path, previous: previous)
        let strangers = draft.signerIDs.filter { id in
            !(draft.authorities + (old?.authorities ?? [])).contains { $0.id == id }
        }
        guard strangers.isEmpty else {
            throw CommandFailure(
                "\(path) is signed by \(strangers[0].hex), who is no authority of it; do not sign it: draft it anew",
                code: .refused)
        }
        let key = try IdentityFile.load(identity, passphrase: passphrase)
        let id = key.verificationKey.digest
        guard let own = (draft.authorities + (old?.authorities ?? [])).first(where: { $0.id == id }) else {
            throw CommandFailure(
                "the identity \(id.hex) is no authority of \(path); it names \(Self.names(draft.authorities))"
                    + (draft.version > 1 && old == nil
                        ? "; for one that is only in the edition before, name that with --previous" : ""),
                code: .refused)
        }
        let signed = try draft.signed(by: key)
        try AtomicFile.write(signed.bytes, to: output ?? path, mode: 0o644)
        terminal.message("signed as \(own.name) into \(output ?? path)")
        for line in SignatureCount(signed, old: old).lines { terminal.message(line) }
        terminal.message("fingerprint \(Fingerprint.text(signed.digest)): the same for all who sign it")
    }

    /// `show-network`: verifies a network file and shows it.
    public func showNetwork(_ path: String, previous: String?, json: Bool) throws {
        let file = try NetworkDocument.unverified(path)
        let old = try previousEdition(of: file, at: path, previous: previous)
        let count = SignatureCount(file, old: old)
        var failure: NetworkFileError?
        do throws(NetworkFileError) {
            if let old { _ = try file.verify(succeeding: old) } else { _ = try file.verify() }
        } catch { failure = error }
        if json {
            try print(json: NetworkReport(file, problem: failure?.description))
        } else {
            try print(Self.rows(of: file))
            for line in count.lines { try terminal.print(line) }
        }
        if let failure { throw NetworkDocument.refusal(path, failure) }
        if !json, old == nil, file.version > 1 {
            terminal.message(
                "the signatures of the authorities before were not checked; name the edition before with --previous FILE"
            )
        }
    }

    private func previousEdition(
        of file: UnverifiedNetworkFile, at path: String, previous: String?
    ) throws -> NetworkFile? {
        guard let previous else { return nil }
        let old = try NetworkDocument.installed(previous)
        guard file.name == old.name else { throw NetworkDocument.refusal(path, .otherNetwork(file.name)) }
        guard file.previous == old.digest else {
            throw NetworkDocument.refusal(path, .notSucceeding(version: file.version))
        }
        return old
    }

    private static func names(_ authorities: [Authority]) -> String {
        authorities.map(\.name.text).joined(separator: ", ")
    }

    private static func rows(of file: UnverifiedNetworkFile) -> [(label: String, value: String)] {
        let count = file.authorities.count
        var rows = [
            ("network", file.name + (file.isTest ? " (test network)" : "")),
            ("version", "\(file.version)"),
            ("published", file.published.description),
            ("fingerprint", Fingerprint.text(file.digest)),
            ("  or", file.digest.hex),
        ]
        if let previous = file.previous { rows.append(("previous", Fingerprint.text(previous))) }
        rows.append(("quorum", "\(Quorum.needed(count)) of \(count); \(Quorum.faults(count)) may fail"))
        for authority in file.authorities {
            rows.append(("authority", "\(authority.name)  \(Fingerprint.text(authority.id))"))
            rows += authority.urls.map { ("  url", $0) }
        }
        rows += file.mirrors.map { ("mirror", $0) }
        rows += file.parameters.values.map {
            ("parameter", "\($0.name) \(ConfigText.duration(.milliseconds($0.value)))")
        }
        return rows
    }
}

/// A network file as JSON.
private struct NetworkReport: Encodable {
    struct Member: Encodable {
        var name: String
        var id: String
        var urls: [String]
        var hasSigned: Bool
    }
    var name: String
    var version: UInt32
    var isTestNetwork: Bool
    var published: String
    var fingerprint: String
    var previous: String?
    var quorum: Int
    var authorities: [Member]
    var mirrors: [String]
    /// In milliseconds.
    var parameters: [String: Int64]
    /// Why it is not to be used; nil if it is good.
    var problem: String?

    init(_ file: UnverifiedNetworkFile, problem: String?) {
        name = file.name
        version = file.version
        isTestNetwork = file.isTest
        published = file.published.description
        fingerprint = file.digest.hex
        previous = file.previous?.hex
        quorum = Quorum.needed(file.authorities.count)
        authorities = file.authorities.map { authority in
            Member(
                name: authority.name.text, id: authority.id.hex, urls: authority.urls,
                hasSigned: file.signerIDs.contains(authority.id))
        }
        mirrors = file.mirrors
        parameters = Dictionary(uniqueKeysWithValues: file.parameters.values.map { ($0.name, $0.value) })
        self.problem = problem
    }
}
