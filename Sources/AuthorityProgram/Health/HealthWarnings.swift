// What is wrong, in words for whoever runs the authority, and what to do about it (doc/AUTHORITY.md, warnings).

internal import Pages
internal import WireFormat

/// The judgements of a report.
enum HealthWarnings {
    /// A certificate that ends sooner is warned of.
    static let certificateNotice = Interval.days(14)
    /// One that ends sooner stops the authority soon.
    static let certificateUrgent = Interval.days(3)
    /// Slots without a consensus that are warned of; one is ordinary (a leader may be down).
    static let failuresToWarn = 2
    /// Finished slots without a vote after which an authority counts as silent.
    static let silentSlots = 3
    /// Free bytes under which the disk is nearly full.
    static let diskNotice: Int64 = 1 << 30
    /// Free bytes under which the authority may stop at any time.
    static let diskUrgent: Int64 = 128 << 20

    /// All warnings of a report, the most important of each level first.
    static func of(_ report: HealthReport, missingDescriptors: Int) -> [HealthWarning] {
        var warnings = consensus(report)
        warnings += signatures(report)
        warnings += evidence(report)
        warnings += silence(report)
        warnings += certificates(report)
        warnings += clocks(report)
        warnings += disk(report)
        warnings += pingers(report)
        warnings += singleReport(report)
        if missingDescriptors > 0 {
            warnings.append(
                HealthWarning(
                    .note, "descriptors-missing",
                    "\(counted(missingDescriptors, "descriptor")) of the newest consensus "
                        + "\(missingDescriptors == 1 ? "is" : "are") not held here yet.",
                    advice: "They are fetched from the other authorities in the next slot."))
        }
        return warnings
    }

    // MARK: - The consensus

    private static func consensus(_ report: HealthReport) -> [HealthWarning] {
        let finished = report.slots.filter { $0.state != .underWay }
        guard let consensus = report.consensus else {
            guard finished.count >= failuresToWarn else {
                return [
                    HealthWarning(
                        .note, "no-consensus-yet",
                        "There is no certified consensus yet; the first slots are under way.",
                        advice: "Wait for two slots.")
                ]
            }
            return [
                HealthWarning(
                    .urgent, "no-consensus",
                    "There is no certified consensus, after \(counted(finished.count, "slot")).",
                    advice: "See below who does not vote or sign; \(report.network.quorum) of "
                        + "\(report.authorities.count) authorities must reach each other. The log says why a request failed."
                )
            ]
        }
        var warnings: [HealthWarning] = []
        let missed = finished.prefix { $0.state != .certified && $0.slot > consensus.height }.count
        if consensus.age == .expired {
            warnings.append(
                HealthWarning(
                    .urgent, "consensus-expired",
                    "The newest consensus expired on \(PageText.time(consensus.validUntil)): clients refuse it and nobody can send.",
                    advice: "Get \(report.network.quorum) authorities to run and to reach each other."))
        } else if consensus.age == .old {
            warnings.append(
                HealthWarning(
                    .urgent, "consensus-old",
                    "There has been no new consensus for \(counted(missed, "slot")): the newest is no longer fresh. "
                        + "Clients warn now and refuse it from \(PageText.time(consensus.validUntil)).",
                    advice: "See below who does not vote or sign, and why slots failed."))
        } else if missed >= failuresToWarn {
            warnings.append(
                HealthWarning(
                    .attend, "slots-failed", "The last \(counted(missed, "slot")) made no consensus.",
                    advice: "See below who does not vote or sign, and why slots failed."))
        }
        return warnings
    }

    // MARK: - Signatures

    private static func signatures(_ report: HealthReport) -> [HealthWarning] {
        var warnings: [HealthWarning] = []
        if let slot = report.slots.first(where: { Set($0.signatures.values).count > 1 }) {
            let groups = Dictionary(grouping: slot.signatures.keys.sorted()) { slot.signatures[$0] }
            let words = groups.values.sorted { $0.count > $1.count }.map { PageText.list($0) }
            warnings.append(
                HealthWarning(
                    .urgent, "signatures-differ",
                    "In slot \(slot.slot) not all signed the same consensus: \(words.joined(separator: " against ")).",
                    advice:
                        "The tally must give all the same bytes. Run `nightjar-authority audit` on both and compare the "
                        + "versions of the programs."))
        }
        let (count, quorum) = (report.authorities.count, report.network.quorum)
        if let consensus = report.consensus, consensus.signers.count <= quorum, count > quorum {
            let missing = report.authorities.map(\.name).filter { !consensus.signers.contains($0) }
            warnings.append(
                HealthWarning(
                    .attend, "few-signers",
                    "The newest consensus has \(consensus.signers.count) signatures of \(count), and \(quorum) are needed: "
                        + "if one more authority stops, there is no new consensus.",
                    advice: "Ask whoever runs \(PageText.list(missing)) what is wrong."))
        }
        return warnings
    }

    private static func evidence(_ report: HealthReport) -> [HealthWarning] {
        Set(report.evidence.map(\.authority)).sorted().map { name in
            let found = report.evidence.filter { $0.authority == name }
            // The evidence stays for ever; the alarm ends when the votes count again.
            let present = report.slots.first?.slot ?? 0
            let isRecent = found.contains {
                $0.slot >= present || present - $0.slot <= UInt64(HealthReport.slotCount)
                    || ($0.excludedUntil ?? 0) >= present
            }
            let level: HealthWarning.Level = isRecent ? .urgent : .note
            let slots = PageText.list(Set(found.map(\.slot)).sorted(by: >).prefix(3).map(String.init))
            if name == report.authority {
                return HealthWarning(
                    level, "own-equivocation", "This authority signed two different things in slot \(slots).",
                    advice:
                        "Its signing key is used in two places or was stolen. Stop every other copy. A stolen key stays good "
                        + "until its certificate ends, also when a new one is certified: if that is too long, replace the "
                        + "identity with a new network file.")
            }
            return HealthWarning(
                level, "equivocation", "\(name) signed two different things in slot \(slots); the evidence is below.",
                advice:
                    "Ask whoever runs \(name). Its votes are dropped for a time; if it lies on purpose, the others can "
                    + "replace it with a new network file.")
        }
    }

    private static func silence(_ report: HealthReport) -> [HealthWarning] {
        let finished = report.slots.filter { $0.state == .certified || $0.state == .failed }.prefix(silentSlots)
        guard finished.count == silentSlots else { return [] }
        var warnings: [HealthWarning] = []
        let silent = report.authorities.map(\.name).filter { name in finished.allSatisfy { $0.votes[name] == nil } }
        if silent.contains(report.authority) {
            warnings.append(
                HealthWarning(
                    .urgent, "own-silence", "This authority itself has not voted in the last \(silentSlots) slots.",
                    advice: "Look into its log: an expired certificate, a full disk and a wrong clock all stop it."))
        }
        let others = silent.filter { $0 != report.authority }
        if !others.isEmpty {
            warnings.append(
                HealthWarning(
                    .attend, "silence",
                    "No vote of \(PageText.list(others)) has come in the last \(silentSlots) slots.",
                    advice: "If it is all of them, this machine's own connection is the likelier fault."))
        }
        return warnings
    }

    // MARK: - Certificates, clocks, disk

    private static func certificates(_ report: HealthReport) -> [HealthWarning] {
        report.authorities.compactMap { authority in
            guard let until = authority.certifiedUntil, until - report.time < certificateNotice else { return nil }
            let isOwn = authority.name == report.authority
            let left = until - report.time
            let text =
                left <= .zero
                ? "The certificate of \(authority.name)'s signing key expired on \(PageText.time(until))."
                : "The certificate of \(authority.name)'s signing key ends on \(PageText.time(until)), "
                    + "in \(PageText.length(left))."
            return HealthWarning(
                left < certificateUrgent && isOwn ? .urgent : .attend, isOwn ? "own-certificate" : "certificate", text,
                advice: isOwn
                    ? "Run `nightjar-authority certify` where the identity key is and copy the new certificate here."
                    : "Remind whoever runs \(authority.name).")
        }
    }

    /// A clock this far off is told: a twentieth of a slot, 60 s of 20 minutes; in networks with short slots, more than
    /// votes take to come, whose times are whole seconds.
    static func clockTolerance(_ report: HealthReport) -> Int64 { max(report.network.slotMilliseconds / 20, 5000) }

    private static func clocks(_ report: HealthReport) -> [HealthWarning] {
        let tolerance = clockTolerance(report)
        let seen = report.authorities.compactMap { authority in
            authority.clockMilliseconds.map { (name: authority.name, difference: $0) }
        }
        let ahead = seen.filter { $0.difference > tolerance }
        let behind = seen.filter { $0.difference < -tolerance }
        // If more than half of the others are off in the same direction, it is more likely this clock that is.
        for (group, word) in [(ahead, "behind"), (behind, "ahead of")]
        where group.count >= 2 && group.count * 2 > seen.count {
            let middle = group.map(\.difference.magnitude).sorted()[group.count / 2]
            return [
                HealthWarning(
                    .attend, "own-clock",
                    "This machine's clock is about \(PageText.length(.milliseconds(Int64(clamping: middle)))) \(word) those of "
                        + "\(PageText.list(group.map(\.name))).",
                    advice: "Set it, and keep it right with NTP (chrony, systemd-timesyncd).")
            ]
        }
        return (ahead + behind).map { name, difference in
            HealthWarning(
                .attend, "clock",
                "\(name)'s clock is about \(PageText.length(.milliseconds(Int64(clamping: difference.magnitude)))) "
                    + "\(difference > 0 ? "ahead of" : "behind") this one.",
                advice: "Ask whoever runs \(name) to set it, unless this one is wrong.")
        }
    }

    private static func disk(_ report: HealthReport) -> [HealthWarning] {
        guard let disk = report.disk, disk.free < diskNotice else { return [] }
        return [
            HealthWarning(
                disk.free < diskUrgent ? .urgent : .attend, "disk",
                "Only \(PageText.bytes(disk.free)) are free where the data directory is.",
                advice: "Make room: without it the authority cannot record what it signs, and then it does not sign.")
        ]
    }

    private static func pingers(_ report: HealthReport) -> [HealthWarning] {
        report.pingers.filter(\.isSilent).map { pinger in
            let text =
                pinger.published.map {
                    "The newest report of pinger \(pinger.name) is of \(PageText.time($0)), and does not count any more."
                } ?? "No report of pinger \(pinger.name) has come since \(PageText.time(pinger.since))."
            return HealthWarning(
                .attend, "pinger-silent", text,
                advice:
                    "Ask whoever runs it; if it is yours, look into its log. Take it out of [pingers] if it is gone.")
        }
    }

    static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
