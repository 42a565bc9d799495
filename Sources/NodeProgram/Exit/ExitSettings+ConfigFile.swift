// Reading `[exit]` and the tables below it.

internal import Daemon
internal import Directory
internal import Exits
internal import Messages
internal import WireFormat

extension ExitSettings {
    /// Reads `[exit]`; nil, reported, without an address to write from.
    init?(_ table: ConfigTable) {
        func address(_ name: String, _ text: String) -> MailRecipient? {
            do throws(RefusalReason) { return try MailRecipient(text) } catch {
                if !text.isEmpty {
                    table.report(name, "'\(text)' is not a mail address such as anonymous@exit.example.org")
                }
                return nil
            }
        }
        let from = address(
            "address",
            table.required(
                "address", .string, doc: "The address in From of every mail, such as anonymous@exit.example.org."))
        let complaints = address(
            "complaints", table.required("complaints", .string, doc: "Where recipients complain; shown in every mail."))
        let bounces = table.optional(
            "bounces", .string,
            doc: "Envelope sender, to which mail servers return what they cannot deliver; without it <>.")
        let stand = try? MailRecipient("anonymous@localhost.invalid")
        guard let identityAddress = from ?? stand, let complaintAddress = complaints ?? stand else { return nil }
        self.init(identity: ExitIdentity(address: identityAddress, complaints: complaintAddress))
        self.bounces = bounces.flatMap { address("bounces", $0) }
        identity.showsDisplayNames = table.value(
            "display-names", .bool, default: true, doc: "Show a sender's display name, tagged as unverified.")
        identity.senderName = table.value(
            "sender-name", .string, default: identity.senderName,
            doc: "The name in From for senders who gave none.")
        if (try? HeaderRules.from(displayName: nil, address: "x@x", defaultName: identity.senderName)) == nil {
            table.report("sender-name", "use up to 40 letters, digits, single spaces and - ' . _")
            identity.senderName = HeaderRules.anonymousName
        }
        level = table.value(
            "deliver-to", .choice(ExitLevel.everyone), default: .everyone,
            doc:
                "Whom mail addresses may name: everyone, listed (by an allow rule), opted-in (who asked for it), or nyms "
                + "(nobody outside). Published, but for everyone.")
        policy.allowsOthers = table.value(
            "allow-others", .bool, default: true, doc: "Deliver to recipients that no rule matches.")
        policy.rules = table.value(
            "rules", .strings, default: [],
            doc: "Rules in order, the first that matches decides: \"allow PATTERN\" or \"deny PATTERN\"."
        ).compactMap { text in
            do throws(RecipientRuleError) { return try RecipientRule(text) } catch {
                table.report("rules", error.description)
                return nil
            }
        }
        perRecipient = MailRate(
            burst: table.value(
                "recipient-burst", .int(1...10_000_000), default: 10, doc: "Mails at once for one recipient."),
            interval: table.value(
                "recipient-interval", .duration(.milliseconds(1)...(.days(30))), default: .minutes(10),
                doc: "One more mail for a recipient after this long."))
        perDomain = MailRate(
            burst: table.value(
                "domain-burst", .int(1...10_000_000), default: 200, doc: "Mails at once for one domain."),
            interval: table.value(
                "domain-interval", .duration(.milliseconds(1)...(.days(30))), default: .seconds(20),
                doc: "One more mail for a domain after this long."))
        concurrentDeliveries = table.value(
            "concurrent-deliveries", .int(1...1000), default: 8, doc: "Mails under way at one time.")
        if let pause = table.optional(
            "retry-pause", .duration(.milliseconds(1)...(.days(1))),
            doc: "A fixed pause between attempts; without it 1, 2, 5, 10, 20, 40, 60 minutes.")
        {
            retries.pauses = [pause]
        }
        readNotices(table)
        readLimits(table)
        readMailboxes(table)
        readNyms(table)
        if table.contains("smtp") || table.isDocumenting { smtp = SMTPSettings(mailServer: table.table("smtp")) }
        if table.contains("gateway") || table.isDocumenting { gateway = GatewaySettings(table.table("gateway")) }
        if smtp == nil, mailboxes == nil, nyms.isEmpty, !table.isDocumenting {
            table.report(
                "address", "an exit needs [smtp], [[mbox]] or [[nym]], else it delivers nothing")
        }
    }

    private mutating func readNotices(_ table: ConfigTable) {
        footer = table.value(
            "footer", .choice(ExitFooter.text), default: .text,
            doc: "Where recipients are told what this mail is: text (under plain texts too) or header (there alone).")
        guard table.contains("texts") || table.isDocumenting else { return }
        let files = table.table("texts")
        for (name, part, doc) in [
            ("comments-file", ExitTexts.Part.comments, "File with the field Comments of every mail; has {complaints}."),
            ("footer-file", .footer, "File with the lines under plain texts; has {complaints}, may have {exit}."),
            ("optout-file", .optOut, "File with the lines that tell how to end it; has {optout}."),
        ] {
            guard let path = files.optional(name, .path, doc: doc) else { continue }
            do {
                let text = String(decoding: try AtomicFile.read(path, limit: 64 << 10), as: UTF8.self)
                try texts.set(part, to: text)
            } catch {
                if !table.isDocumenting { files.report(name, "\(error)") }
            }
        }
    }

    private mutating func readLimits(_ table: ConfigTable) {
        sameBody = table.value(
            "same-body", .int(0...1_000_000), default: 20,
            doc: "Mails with one and the same body that leave in a day; more wait. 0 for any number.")
        programTime = table.value(
            "program-time", .duration(.seconds(1)...(.hours(1))), default: .minutes(2),
            doc: "How long a program of [[exit.mbox]] may take over a mail, real time.")
        guard table.contains("bytes-per-hour") || table.isDocumenting else { return }
        let hourly = table.table("bytes-per-hour")
        for module in ExitModule.allCases {
            hourlyBytes[module] = hourly.optional(
                module.rawValue, .size(1...(.max)), doc: "Bytes handed over in an hour by \(module.words); more wait.")
        }
    }

    private mutating func readNyms(_ table: ConfigTable) {
        for nym in table.tables("nym") {
            let domain = nym.required(
                "domain", .string, doc: "A domain of nyms: nym:NAME@DOMAIN reaches them through this node."
            ).lowercased()
            let deliver = nym.required(
                "deliver", .string,
                doc:
                    "Where its nymserver speaks LMTP: lmtp: and the path of a Unix socket, 127.0.0.1:port or [::1]:port."
            )
            let keyFile = nym.required(
                "key-file", .path,
                doc: "The nymserver's public key, the file server.key that its init wrote; published.")
            guard !table.isDocumenting else { continue }
            let server = deliver.hasPrefix("lmtp:") ? LMTPAddress(String(deliver.dropFirst(5))) : nil
            guard let server, server.canBeReached else {
                nym.report(
                    "deliver", "'\(deliver)' is not such as lmtp:/run/nightjar/nymserver.sock or lmtp:127.0.0.1:24")
                continue
            }
            do {
                let key = try NymKeyFile.read(keyFile)
                guard let published = NymDomain(domain: domain, key: key) else {
                    nym.report("domain", "'\(domain)' is not a domain name such as nym.example.org")
                    continue
                }
                guard !nyms.contains(where: { $0.domain == domain }) else {
                    nym.report("domain", "'\(domain)' is there twice")
                    continue
                }
                nyms.append(NymHandover(published: published, deliver: server))
            } catch {
                nym.report("key-file", "\(error)")
            }
        }
        if nyms.count > Descriptor.maximumNymDomains {
            table.report("nym", "a node serves \(Descriptor.maximumNymDomains) domains of nyms at most")
        }
    }

    private mutating func readMailboxes(_ table: ConfigTable) {
        let pairs = table.tables("mbox").map { box in
            (
                box.required("name", .string, doc: "A local name: mbox:NAME@NODE reaches it."),
                box.required(
                    "target", .string,
                    doc: "The absolute path of a Maildir, a mail address, lmtp: and an address, or program: and a path."
                )
            )
        }
        guard !pairs.isEmpty else { return }
        do throws(LocalMailboxError) { mailboxes = try LocalMailboxes(pairs) } catch {
            if !table.isDocumenting { table.report("mbox", error.description) }
        }
    }
}
