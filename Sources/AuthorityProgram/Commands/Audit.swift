// An audit: from the newest consensus back along the links to the ones before, each is checked against its network file and
// computed again from the votes that it names.

internal import Directory
internal import DirectoryService
internal import WireFormat

/// What came of one consensus.
struct AuditedConsensus: Sendable {
    enum Finding: Sendable {
        case identical
        /// It is not what its votes say, or not signed as it must be: why.
        case wrong(String)
        /// Something could not be had: what and why.
        case unavailable(String)
    }

    let slot: Slot
    /// Nil if the consensus itself could not be had.
    var digest: Digest?
    var signers: [Nickname] = []
    /// How many votes it names.
    var votes = 0
    let finding: Finding
}

/// Follows consensuses backwards.
struct Audit: Sendable {
    private let source: any AuditSource
    /// Editions of the network file by version; the trusted one, and those before it that its digests lead to.
    private var networks: [UInt32: NetworkFile]
    private let newest: UInt32
    /// The reports of the last consensus that was looked at, by digest: several votes name the same, in several slots.
    private var reports: [Digest: [UInt8]] = [:]

    init(source: any AuditSource, network: NetworkFile) {
        self.source = source
        networks = [network.version: network]
        newest = network.version
    }

    /// Audits at most `count` consensuses, newest first; `told` hears of each as it is done.
    mutating func run(_ count: Int, told: (AuditedConsensus) -> Void) async throws(FetchError) {
        var route = DirectoryRoute.consensus
        var expected: ConsensusLink?
        for _ in 0..<count {
            let bytes: [UInt8]
            do throws(FetchError) {
                bytes = try await source.bytes(route, limit: Consensus.maximumSize)
            } catch {
                // Without any consensus there is nothing to tell about.
                guard let expected else { throw error }
                return told(
                    AuditedConsensus(
                        slot: expected.slot, digest: expected.digest,
                        finding: .unavailable("the consensus could not be had: \(error)")))
            }
            let (result, previous) = await check(bytes, expected: expected)
            told(result)
            guard let previous else { return }
            expected = previous
            route = .consensusAt(previous.slot.number)
        }
    }

    /// One consensus, and the link to the one before; nil if there is none, or none that could be believed.
    private mutating func check(
        _ bytes: [UInt8], expected: ConsensusLink?
    ) async -> (AuditedConsensus, previous: ConsensusLink?) {
        let unverified: UnverifiedConsensus
        do throws(DocumentError) { unverified = try UnverifiedConsensus(bytes) } catch {
            return (
                AuditedConsensus(
                    slot: expected?.slot ?? Slot(0),
                    finding: .wrong("what is served as the consensus is none: \(error)")),
                nil
            )
        }
        func result(_ finding: AuditedConsensus.Finding) -> AuditedConsensus {
            AuditedConsensus(
                slot: unverified.slot, digest: unverified.link.digest, signers: unverified.signatures.map(\.authority),
                votes: unverified.claimed.votes.count, finding: finding)
        }
        if let expected, expected != unverified.link {
            return (
                result(.wrong("another consensus, \(expected.digest.hex), is named by the one that follows it")), nil
            )
        }
        let network: NetworkFile
        switch await edition(unverified.networkVersion) {
        case .success(let found): network = found
        case .failure(let words): return (result(words.isWrong ? .wrong(words.text) : .unavailable(words.text)), nil)
        }
        let certified: CertifiedConsensus
        do throws(ConsensusError) { certified = try unverified.verify(in: network) } catch {
            return (result(.wrong(error.description)), nil)
        }
        let previous = certified.consensus.previous
        var votes: [[UInt8]] = []
        for vote in certified.consensus.votes {
            do throws(FetchError) {
                votes.append(try await source.bytes(.document(vote.digest), limit: Vote.maximumSize))
            } catch {
                return (
                    result(.unavailable("the vote of \(vote.name), \(vote.digest.hex), could not be had: \(error)")),
                    previous
                )
            }
        }
        switch ConsensusAudit.check(certified, votes: votes, network: network) {
        case .identical: return (result(await checkReports(votes, network: network)), previous)
        case .missingVote(let name, let digest):
            return (
                result(.unavailable("what is served as the vote of \(name), \(digest.hex), is another document")),
                previous
            )
        case let verdict: return (result(.wrong(verdict.description)), previous)
        }
    }

    /// Whether what votes say of measurements follows from the reports that they name.
    private mutating func checkReports(_ votes: [[UInt8]], network: NetworkFile) async -> AuditedConsensus.Finding {
        var lacking: [String] = []
        let known = reports
        reports = [:]
        for bytes in votes {
            let vote: Vote
            // They were checked with the consensus a moment ago; one that is not good now would be a fault of this program.
            do { vote = try UnverifiedVote(bytes).verify(in: network) } catch {
                return .wrong("a vote that the consensus rests on is not good: \(error)")
            }
            var named: [[UInt8]] = []
            for digest in vote.contents.reports {
                do throws(FetchError) {
                    var report = reports[digest] ?? known[digest]
                    if report == nil {
                        report = try await source.bytes(.document(digest), limit: MeasurementReport.maximumSize)
                    }
                    reports[digest] = report
                    if let report { named.append(report) }
                } catch { lacking.append(Self.words(digest, vote.contents.authority, error, source.name)) }
            }
            guard named.count == vote.contents.reports.count else { continue }
            switch VoteAudit.check(vote, reports: named, network: network) {
            case .follows: break
            case .missingReport(let digest):
                lacking.append(
                    "what is served as the report \(digest.hex), on which the vote of \(vote.contents.authority) rests, is "
                        + "another document")
            case let verdict: return .wrong("the vote of \(vote.contents.authority): \(verdict)")
            }
        }
        return lacking.first.map { .unavailable($0) } ?? .identical
    }

    /// Why a report is not here. That a source does not have it is no fault of the line: perhaps nobody has it.
    private static func words(_ digest: Digest, _ author: Nickname, _ error: FetchError, _ source: String) -> String {
        let what = "the report \(digest.hex), on which the vote of \(author) rests, could not be had: "
        guard error == .notFound else { return what + error.description }
        return what
            + "\(source) does not have it; audit at the URL of \(author), and if it is not there either, the vote "
            + "rests on a report that nobody has: what it measured cannot be believed"
    }

    private struct Words: Error {
        var text: String
        var isWrong = false
    }

    /// The network file of `version`: reached from the trusted one by the digests of the editions before.
    private mutating func edition(_ version: UInt32) async -> Result<NetworkFile, Words> {
        if let known = networks[version] { return .success(known) }
        guard version < newest else {
            return .failure(
                Words(
                    text:
                        "the consensus was made under version \(version) of the network file, and version \(newest) is "
                        + "here; get the newer one"))
        }
        var current = networks.values.filter { $0.version > version }.min { $0.version < $1.version }
        while let edition = current, edition.version > version {
            let number = edition.version - 1
            do {
                let bytes = try await source.bytes(.networkVersion(number), limit: NetworkFile.maximumSize)
                let file = try UnverifiedNetworkFile(bytes)
                guard file.digest == edition.previous, file.version == number else {
                    return .failure(
                        Words(
                            text:
                                "version \(number) of the network file is not the one before version \(edition.version)",
                            isWrong: true))
                }
                let verified = try file.verify()
                networks[number] = verified
                current = verified
            } catch {
                return .failure(Words(text: "version \(number) of the network file could not be had: \(error)"))
            }
        }
        return current.map(Result.success)
            ?? .failure(Words(text: "there is no version \(version) of the network file"))
    }
}
