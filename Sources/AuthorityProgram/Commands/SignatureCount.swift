internal import Directory

/// How many of those who must sign a network file have done so, in words.
struct SignatureCount {
    /// One line for each set of authorities.
    let lines: [String]

    init(_ file: UnverifiedNetworkFile, old: NetworkFile?) {
        var sets = [("authorities", file.authorities)]
        if let old { sets.append(("authorities of version \(old.version)", old.authorities)) }
        lines = sets.map { what, set in
            let missing = set.filter { !file.signerIDs.contains($0.id) }.map(\.name.text)
            let (have, needed) = (set.count - missing.count, Quorum.needed(set.count))
            let rest =
                missing.isEmpty ? "all of them" : "not yet: \(missing.joined(separator: ", "))"
            return "\(have) of \(set.count) \(what) have signed, \(needed) are needed; \(rest)"
        }
    }
}
