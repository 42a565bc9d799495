// Documents that others bring. Anybody can post; what is not of this network, of a slot that is open and signed by an authority
// is counted and gone. Parsing and checking is done on other threads than the driver's own.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Takes a posted document of an authority.
    nonisolated func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        guard intake.enter() else {
            parts.counters.count("documents_refused", kind: "busy")
            return .busy(retryAfter: .seconds(2))
        }
        defer { intake.leave() }
        switch kind {
        case .vote: return await receive(vote: bytes, isPosted: true)
        case .proposal: return await receive(proposal: bytes)
        case .signature: return await receive(signature: bytes)
        case .evidence: return await receive(evidence: bytes)
        case .report: return await reports.receive(bytes)
        case .descriptor, .optOuts: return .malformed("what a node signs is no document of an authority")
        }
    }

    nonisolated func receive(vote bytes: [UInt8], isPosted: Bool) async -> UploadVerdict {
        let network = parts.network
        let parsed = await parts.work.run { Result { () throws(DocumentError) in try UnverifiedVote(bytes) } }
        guard case .success(let unverified) = parsed else { return malformed("vote", parsed) }
        guard let index = network.index(of: unverified.authority) else { return unknown(unverified.authority) }
        if let verdict = await admit(.vote, index, unverified.slot, unverified.digest) { return verdict }
        let checked = await parts.work.run {
            Result { () throws(AuthorityDocumentError) in try unverified.verify(in: network) }
        }
        switch checked {
        case .failure(let error): return notGenuine("vote", error)
        case .success(let vote): return await take(vote, of: index, isPosted: isPosted)
        }
    }

    nonisolated func receive(proposal bytes: [UInt8]) async -> UploadVerdict {
        let network = parts.network
        let parsed = await parts.work.run { Result { () throws(DocumentError) in try UnverifiedProposal(bytes) } }
        guard case .success(let unverified) = parsed else { return malformed("proposal", parsed) }
        guard let index = network.index(of: unverified.authority) else { return unknown(unverified.authority) }
        if let verdict = await admit(.proposal, index, unverified.slot, unverified.digest) { return verdict }
        let checked = await parts.work.run {
            Result { () throws(AuthorityDocumentError) in try unverified.verify(in: network) }
        }
        switch checked {
        case .failure(let error): return notGenuine("proposal", error)
        case .success(let proposal): return await take(proposal)
        }
    }

    nonisolated func receive(signature bytes: [UInt8]) async -> UploadVerdict {
        let network = parts.network
        let parsed = await parts.work.run { Result { () throws(DocumentError) in try SentConsensusSignature(bytes) } }
        guard case .success(let sent) = parsed else { return malformed("signature", parsed) }
        guard let index = network.index(of: sent.signature.authority) else { return unknown(sent.signature.authority) }
        if let verdict = await admit(.signature, index, sent.link.slot, sent.link.digest) { return verdict }
        let checked = await parts.work.run {
            Result { () throws(AuthorityDocumentError) in try sent.verify(in: network) }
        }
        switch checked {
        case .failure(let error): return notGenuine("signature", error)
        case .success: return await take(sent, of: index)
        }
    }

    nonisolated func receive(evidence bytes: [UInt8]) async -> UploadVerdict {
        let network = parts.network
        let parsed = await parts.work.run { Result { () throws(DocumentError) in try UnverifiedEvidence(bytes) } }
        guard case .success(let unverified) = parsed else { return malformed("evidence", parsed) }
        if await isKnown(unverified) { return .known }
        if let verdict = await admit(evidence: unverified.slot) { return verdict }
        let checked = await parts.work.run {
            Result { () throws(AuthorityDocumentError) in try unverified.verify(in: network) }
        }
        switch checked {
        case .failure(let error): return notGenuine("evidence", error)
        case .success(let evidence): return await take(evidence)
        }
    }

    // MARK: On the driver's thread

    /// The verdict on a document that need not be checked; nil for one that must be.
    private func admit(_ kind: SlotDocumentKind, _ authority: Int, _ slot: Slot, _ digest: Digest) -> UploadVerdict? {
        step()
        switch machine.admit(kind, of: authority, slot: slot, digest: digest) {
        case .new: return nil
        case .known: return .known
        case .refused(let reason):
            parts.counters.count("documents_refused", kind: reason.rawValue)
            switch reason {
            case .slotAhead: return .busy(retryAfter: .seconds(1))
            case .slotClosed: return .refused("slot \(slot) is over here: check the clocks, if that happens often")
            case .enough: return .known
            case .notLeader: return .refused("another authority leads slot \(slot)")
            case .unknownAuthority: return .refused("no authority of this network")
            }
        }
    }

    private func take(_ vote: Vote, of authority: Int, isPosted: Bool) -> UploadVerdict {
        let (slot, digest) = (vote.contents.slot, vote.digest)
        if let verdict = admit(.vote, authority, slot, digest) { return verdict }
        do throws(AuthorityStoreError) { try keep(vote) } catch { return notKept(error) }
        documents.add(vote)
        if isPosted, authority != parts.own, clocks[authority].map({ $0.slot < slot }) ?? true {
            clocks[authority] = (slot, vote.contents.published, parts.clock.now())
        }
        parts.counters.count("documents_received", kind: "vote")
        perform(machine.receive(vote: VoteFact(authority: authority, slot: slot, digest: digest)))
        return .stored
    }

    private func take(_ proposal: Proposal) -> UploadVerdict {
        guard let fact = proposal.fact(in: parts.network) else { return unknown(proposal.authority) }
        if let verdict = admit(.proposal, fact.authority, fact.slot, fact.digest) { return verdict }
        do throws(AuthorityStoreError) { try keep(proposal) } catch { return notKept(error) }
        documents.add(proposal)
        parts.counters.count("documents_received", kind: "proposal")
        perform(machine.receive(proposal: fact))
        return .stored
    }

    private func take(_ sent: SentConsensusSignature, of authority: Int) -> UploadVerdict {
        let link = sent.link
        if let verdict = admit(.signature, authority, link.slot, link.digest) { return verdict }
        do throws(AuthorityStoreError) { try keep(sent) } catch { return notKept(error) }
        documents.add(sent, of: authority)
        parts.counters.count("documents_received", kind: "signature")
        perform(
            machine.receive(signature: SignatureFact(authority: authority, slot: link.slot, digest: link.digest)))
        return .stored
    }

    /// Evidence of a slot that is to come would exclude from then on, but here and now nobody: it waits until its slot is
    /// open, like other documents.
    private func admit(evidence slot: Slot) -> UploadVerdict? {
        step()
        guard let current = machine.current, slot > current.advanced(by: 1) ?? current else { return nil }
        parts.counters.count("documents_refused", kind: SlotRefusal.slotAhead.rawValue)
        return .busy(retryAfter: .seconds(30))
    }

    /// Evidence is kept however old it is; what the machine makes of it is another matter.
    private func take(_ evidence: Evidence) -> UploadVerdict {
        guard let fact = evidence.fact(in: parts.network) else { return unknown(evidence.authority) }
        step()
        do throws(AuthorityStoreError) {
            guard try keep(evidence) else { return .known }
        } catch { return notKept(error) }
        tell(fact)
        perform(machine.receive(evidence: fact))
        return .stored
    }

    private func isKnown(_ evidence: UnverifiedEvidence) -> Bool {
        let all = parts.tried({ () throws(AuthorityStoreError) in try parts.store.evidence() }) ?? []
        return all.contains {
            $0.authority == evidence.authority.text && $0.slot == evidence.slot.number
                && $0.kind == evidence.kind.rawValue
        }
    }

    private func notKept(_ error: AuthorityStoreError) -> UploadVerdict {
        if case .tooMany = error { return .known }
        parts.storeFailed(error)
        return .busy(retryAfter: .seconds(30))
    }

    // MARK: Refusals

    private nonisolated func malformed<Value>(
        _ what: String, _ result: Result<Value, DocumentError>
    ) -> UploadVerdict {
        guard case .failure(let error) = result else { return .malformed("not a \(what)") }
        return refused("malformed", .malformed("not a \(what): \(error)"))
    }

    private nonisolated func unknown(_ name: Nickname) -> UploadVerdict {
        refused(SlotRefusal.unknownAuthority.rawValue, .refused("\(name) is no authority of this network"))
    }

    private nonisolated func notGenuine(_ what: String, _ error: AuthorityDocumentError) -> UploadVerdict {
        let kind =
            switch error {
            case .document: "malformed"
            case .unknownAuthority: SlotRefusal.unknownAuthority.rawValue
            case .badCertificate: "bad-certificate"
            case .certificateExpired: "certificate-expired"
            case .badSignature: "bad-signature"
            case .otherNetwork: "other-network"
            case .otherNetworkVersion: "other-network-version"
            }
        return refused(kind, .refused("this \(what) is not taken: \(error)"))
    }

    private nonisolated func refused(_ kind: String, _ verdict: UploadVerdict) -> UploadVerdict {
        parts.counters.count("documents_refused", kind: kind)
        return verdict
    }
}
