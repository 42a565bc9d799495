// What a log must never hold, and a search for it.
//
// A log is kept, copied, backed up and seized. So at no level, trace included, does it hold: packets or parts of them; keys
// or anything made from them; ids of packets, messages, SURBs, replay tags or mailboxes; addresses of peers, users, senders
// or recipients; anything about a single packet, its time above all. It may hold counts over at least a minute, the names
// and ids of nodes that the public directory holds, the reasons for which things fail, and what the operator did.
//
// Nothing can prove that a log keeps to this. What can be done is to run a whole network at trace level and search all that
// it wrote, for the secrets of that network and for everything that looks like one.

/// The search for what a log must not hold.
public enum LogSafety {
    /// What was found, and in which line.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        public var line: Int
        public var what: String
        public var description: String { "line \(line): \(what)" }
    }

    /// Hexadecimal or base64 runs from this length on look like keys or ids.
    static let longestInnocentRun = 24

    /// Searches `text` for the given secrets and for what looks like an id, a key, an IP address or a mail address.
    /// - Parameters:
    ///   - secrets: texts that must not occur: recipients, subjects, ids in hexadecimal.
    ///   - allowed: texts that may occur although they look bad: node ids of the directory, paths, the host's own name.
    public static func findings(in text: String, secrets: [String] = [], allowed: [String] = []) -> [Finding] {
        var found: [Finding] = []
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = String(raw)
            for secret in secrets where !secret.isEmpty && line.contains(secret) {
                found.append(Finding(line: index + 1, what: "holds a secret of \(secret.count) characters"))
            }
            for text in allowed where !text.isEmpty { line = line.replacing(text, with: " ") }
            for word in line.split(whereSeparator: { " ,;()[]<>\"'=".contains($0) }) {
                if let what = suspicion(word) { found.append(Finding(line: index + 1, what: what)) }
            }
        }
        return found
    }

    private static func suspicion(_ word: Substring) -> String? {
        if word.contains("@") { return "looks like a mail address" }
        let octets = word.prefix { $0 != ":" || word.filter { $0 == ":" }.count > 1 }.split(separator: ".")
        if octets.count == 4, octets.allSatisfy({ UInt8($0) != nil }) { return "looks like an IPv4 address" }
        let groups = word.split(separator: ":", omittingEmptySubsequences: false)
        if groups.count >= 3, groups.allSatisfy({ $0.count <= 4 && $0.allSatisfy(\.isHexDigit) }),
            groups.contains(where: { !$0.isEmpty }), !isTimeOfDay(groups)
        {
            return "looks like an IPv6 address"
        }
        var run = 0
        for character in word {
            let isCode = character.isASCII && (character.isLetter || character.isNumber || "+/_-".contains(character))
            run = isCode ? run + 1 : 0
            if run > longestInnocentRun, isMixed(word) { return "looks like an id or a key" }
        }
        return nil
    }

    /// Words have few digits, and numbers few letters; what is drawn at random has both.
    private static func isMixed(_ word: Substring) -> Bool {
        let digits = word.filter(\.isNumber).count
        return digits * 12 >= word.count
    }

    private static func isTimeOfDay(_ groups: [Substring]) -> Bool {
        groups.count == 3 && groups.allSatisfy { $0.count == 2 && Int($0) != nil }
    }
}
