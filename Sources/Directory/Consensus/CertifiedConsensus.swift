// A consensus with the signatures that make it one: the file that everybody fetches.

public import WireFormat

/// Why a consensus is not to be used, in words for people.
public enum ConsensusError: Error, Equatable, Sendable, CustomStringConvertible {
    case document(DocumentError)
    case otherNetwork(String)
    case otherNetworkVersion(have: UInt32, named: UInt32)
    case inconsistent(String)
    case badSignature(String)
    case notEnoughSignatures(have: Int, needed: Int)
    case expired(Timestamp)
    case notYet(Timestamp)
    case rollback(have: Slot, offered: Slot)
    case fork(Slot)

    public var description: String {
        switch self {
        case .document(let error): "this is no consensus: \(error)"
        case .otherNetwork(let name): "this is the consensus of another network, \(name)"
        case .otherNetworkVersion(let have, let named):
            named > have
                ? "the consensus was made by version \(named) of the network file, but version \(have) is installed; get the "
                    + "newer one with `nightjar network update`"
                : "the consensus was made by version \(named) of the network file, which version \(have) has replaced"
        case .inconsistent(let what): "the consensus contradicts the network file: \(what); it is forged or damaged"
        case .badSignature(let who): "the consensus is forged or damaged: \(who)"
        case .notEnoughSignatures(let have, let needed):
            "the consensus has the signatures of \(have) authorities, but \(needed) are needed; do not use it"
        case .expired(let date): "the consensus expired on \(date); get a newer one with `nightjar network update`"
        case .notYet(let date):
            "the consensus was made on \(date), which is in the future here; set this machine's clock"
        case .rollback(let have, let offered):
            "the consensus is of slot \(offered), older than that of slot \(have) that is installed"
        case .fork(let slot):
            "there are two different consensuses of slot \(slot), both certified: authorities are lying to somebody; both "
                + "were kept as evidence"
        }
    }
}

/// How old a consensus is.
public enum ConsensusAge: Hashable, Sendable {
    /// Its slot lies ahead: a clock is wrong.
    case notYet
    case fresh
    /// Can be used, with a warning.
    case old
    case expired
}

/// A certified consensus as it came, its signatures not yet checked.
public struct UnverifiedConsensus: Sendable {
    /// What it says, to be believed by nobody yet.
    public let claimed: Consensus
    /// Ascending by authority.
    public let signatures: [ConsensusSignature]
    public let bytes: [UInt8]

    public var networkName: String { claimed.networkName }
    public var networkVersion: UInt32 { claimed.networkVersion }
    public var slot: Slot { claimed.slot }
    public var link: ConsensusLink { claimed.link }

    /// Parses the canonical form.
    public init(_ bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Consensus.maximumSize else { throw DocumentError(line: 0, reason: .tooLarge) }
        var reader = DocumentReader(try Document.parse(bytes))
        claimed = try Consensus(&reader, bytes)
        var signatures: [ConsensusSignature] = []
        while reader.isNext("certificate") {
            let next = try ConsensusSignature(&reader)
            guard signatures.count < Authority.maximumCount,
                signatures.last.map({ $0.authority.text < next.authority.text }) ?? true
            else { throw reader.invalid() }
            signatures.append(next)
        }
        try reader.end()
        self.signatures = signatures
        self.bytes = bytes
    }

    /// The one door to a `CertifiedConsensus`: it belongs to this network and a quorum signed it. How old it is, and whether
    /// another is known, are questions of their own.
    public func verify(in file: NetworkFile) throws(ConsensusError) -> CertifiedConsensus {
        let consensus = try claimed.fitted(to: file)
        for signature in signatures { try CertifiedConsensus.check(signature, link, file) }
        guard signatures.count >= file.quorum else {
            throw .notEnoughSignatures(have: signatures.count, needed: file.quorum)
        }
        return CertifiedConsensus(consensus: consensus, signatures: signatures, bytes: bytes)
    }
}

/// A consensus that a quorum of the network's authorities signed.
public struct CertifiedConsensus: Hashable, Sendable {
    /// How far this machine's clock may be behind the authorities' before it must be wrong.
    public static let clockTolerance = Interval.hours(1)

    public let consensus: Consensus
    /// Ascending by authority.
    public let signatures: [ConsensusSignature]
    /// The canonical bytes, signatures included.
    public let bytes: [UInt8]

    public var link: ConsensusLink { consensus.link }
    public var slot: Slot { consensus.slot }
    public var signers: [Nickname] { signatures.map(\.authority) }

    fileprivate init(consensus: Consensus, signatures: [ConsensusSignature], bytes: [UInt8]) {
        self.consensus = consensus
        self.signatures = signatures
        self.bytes = bytes
    }

    /// Puts a consensus and its signatures together; checks all of them.
    public init(
        _ consensus: Consensus, signatures: [ConsensusSignature], network: NetworkFile
    ) throws(ConsensusError) {
        let fitted = try consensus.fitted(to: network)
        var byName: [Nickname: ConsensusSignature] = [:]
        for signature in signatures {
            try Self.check(signature, consensus.link, network)
            byName[signature.authority] = signature
        }
        guard byName.count >= network.quorum else {
            throw .notEnoughSignatures(have: byName.count, needed: network.quorum)
        }
        let sorted = byName.values.sorted { $0.authority.text < $1.authority.text }
        self.init(
            consensus: fitted, signatures: sorted,
            bytes: consensus.bytes + Document.write(sorted.flatMap(\.items)))
    }

    /// The same consensus with further signatures.
    public func adding(
        _ more: [ConsensusSignature], network: NetworkFile
    ) throws(ConsensusError) -> CertifiedConsensus {
        let known = Set(signers)
        return try CertifiedConsensus(
            consensus, signatures: signatures + more.filter { !known.contains($0.authority) }, network: network)
    }

    fileprivate static func check(
        _ signature: ConsensusSignature, _ link: ConsensusLink, _ file: NetworkFile
    ) throws(ConsensusError) {
        do throws(AuthorityDocumentError) { try signature.verify(link, in: file) } catch {
            throw .badSignature(error.description)
        }
    }

    /// How old it is at `now`.
    public func age(at now: Timestamp) -> ConsensusAge {
        if now < consensus.published - Self.clockTolerance { return .notYet }
        if now >= consensus.validUntil { return .expired }
        return now < consensus.freshUntil ? .fresh : .old
    }
}

extension Consensus {
    /// This consensus with what the network file fixes, if it does not contradict it.
    func fitted(to file: NetworkFile) throws(ConsensusError) -> Consensus {
        guard networkName == file.name else { throw .otherNetwork(networkName) }
        guard networkVersion == file.version else {
            throw .otherNetworkVersion(have: file.version, named: networkVersion)
        }
        guard networkDigest == file.digest else { throw .inconsistent("it names another edition of it") }
        let begin = file.slots.start(of: slot)
        guard published == begin, freshUntil == begin + file.parameters.freshFor,
            validUntil == begin + file.parameters.validFor
        else { throw .inconsistent("its dates are not those of slot \(slot)") }
        guard votes.count >= file.quorum, votes.allSatisfy({ file.authority(named: $0.name) != nil }) else {
            throw .inconsistent("it was not computed from votes of a quorum")
        }
        var fitted = self
        fitted.parameters.periodLength = file.parameters.periodLength
        fitted.parameters.acceptance = file.parameters.acceptance
        guard file.isTest || fitted.parameters.isWithinTimeBudget else {
            throw .inconsistent("packets may be under way longer than their keys live")
        }
        return fitted
    }
}
