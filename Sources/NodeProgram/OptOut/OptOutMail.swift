// What of a mail to the door counts: who says that he wrote it, and whether a person did. Nothing else of it is looked at.

internal import Directory
internal import Messages

/// A mail to one of the door's addresses.
struct OptOutMail: Sendable, Hashable {
    /// What a program may have had to do with it.
    enum Automation: Hashable, Sendable {
        case none
        /// Sent by a program, but not in answer to another mail: what mail programs send for a click on List-Unsubscribe may be
        /// marked so.
        case generated
        /// A notice, or an answer that nobody wrote (RFC 3834).
        case replied
    }

    let automation: Automation
    /// The address in From, if there is exactly one.
    let from: OptOutAddress?
    /// Whether the envelope's sender is that address.
    let isFromItsSender: Bool

    /// Longest header that is looked through.
    static let maximumHeader = GatewayMail.maximumHeader

    init(_ content: [UInt8], sender: String) {
        let header = Self.header(content)
        var automation = sender.isEmpty ? Automation.replied : .none
        for field in header where automation != .replied {
            switch field.name {
            case "auto-submitted":
                // RFC 3834 section 5: a parameter may follow the word.
                let word = field.value.prefix { $0 != ";" && $0 != " " && $0 != "(" }
                if word == "auto-generated" { automation = .generated } else if word != "no" { automation = .replied }
            case "precedence": if ["bulk", "list", "junk"].contains(field.value) { automation = .replied }
            // Of programs that are older than the RFC.
            case "x-autoreply", "x-autorespond", "x-autoresponder": automation = .replied
            default: break
            }
        }
        self.automation = automation
        let found = (try? SubmittedHeader(content))?.from ?? []
        from = found.count == 1 ? OptOutAddress(found[0]) : nil
        isFromItsSender = from != nil && OptOutAddress(sender) == from
    }

    /// The fields that tell of a program, in small letters.
    private static func header(_ content: [UInt8]) -> [(name: String, value: String)] {
        var fields: [(String, String)] = []
        for line in content.prefix(maximumHeader).split(separator: 0x0A, omittingEmptySubsequences: false) {
            var line = line
            if line.last == 0x0D { line = line.dropLast() }
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: 0x3A), line.first != 0x20, line.first != 0x09 else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            guard name.hasPrefix("auto-") || name.hasPrefix("x-auto") || name == "precedence" else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }.prefix(100)
            fields.append((name, String(decoding: value, as: UTF8.self).lowercased()))
        }
        return fields
    }
}
