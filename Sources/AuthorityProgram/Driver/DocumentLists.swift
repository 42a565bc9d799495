// The lists that authorities serve: signatures of a slot, and evidence.

internal import Directory
internal import Spool
internal import WireFormat

/// Signature documents, one after the other.
enum SignatureList {
    private static let firstLine = Array("nightjar-consensus-signature 1\n".utf8)

    static func join(_ signatures: [StoredSignature]) -> [UInt8] { signatures.flatMap(\.bytes) }

    /// The single documents, not looked at beyond their first lines; as many as a slot can have.
    static func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var starts: [Int] = []
        var offset = 0
        while offset < bytes.count, starts.count <= Authority.maximumCount * AuthorityStore.signaturesPerAuthority {
            if bytes[offset] == firstLine[0], bytes[offset...].starts(with: firstLine) { starts.append(offset) }
            guard let feed = bytes[offset...].firstIndex(of: 10) else { break }
            offset = feed + 1
        }
        return zip(starts, starts.dropFirst() + [bytes.count]).map { Array(bytes[$0..<$1]) }
    }
}

/// Lines `evidence NAME SLOT KIND DIGEST`.
enum EvidenceList {
    static func text(_ evidence: [StoredEvidence]) -> [UInt8] {
        Array(
            evidence.map { "evidence \($0.authority) \($0.slot) \($0.kind) \($0.digest.hex)\n" }.joined().utf8)
    }

    /// One line. Two are the same if they accuse of the same: then one of them is enough.
    struct Entry: Hashable {
        let authority: String
        let slot: UInt64
        let kind: String
        let digest: Digest

        init(_ stored: StoredEvidence) {
            authority = stored.authority
            slot = stored.slot
            kind = stored.kind
            digest = stored.digest
        }

        init?(_ line: Substring) {
            let words = line.split(separator: " ")
            guard words.count == 5, words[0] == "evidence", let slot = UInt64(words[2]),
                let digest = Digest(hex: words[4])
            else { return nil }
            authority = String(words[1])
            self.slot = slot
            kind = String(words[3])
            self.digest = digest
        }

        static func == (one: Entry, other: Entry) -> Bool {
            one.authority == other.authority && one.slot == other.slot && one.kind == other.kind
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(authority)
            hasher.combine(slot)
            hasher.combine(kind)
        }
    }

    /// The lines of a list.
    static func entries(_ bytes: [UInt8]) -> [Entry] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Entry($0) }
    }

    /// The digests in a list.
    static func digests(_ bytes: [UInt8]) -> [Digest] { entries(bytes).map(\.digest) }
}
