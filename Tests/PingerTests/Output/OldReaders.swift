// Readers of remailers' statistics, each as demanding as the program that it stands for.

import Foundation

/// What a list says of one remailer.
struct OldRow: Equatable {
    var name: String
    var history = ""
    var uptimeHistory = ""
    /// Seconds.
    var latency = 0
    /// Hundredths of a percent.
    var uptime = 0
    var options = ""
}

enum OldReader {
    /// Mixmaster's reader of mlist.txt (names to 14) and rlist.txt (to 8): rows are of one length, and every character
    /// stands at its place; a digit's place may be blank.
    static func mixmaster(_ text: String, dashes: Int, lengths: ClosedRange<Int>, history: Int, names: [String])
        -> [OldRow]
    {
        var rows: [OldRow] = []
        var isBelow = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map({ Array($0.utf8) }) {
            if !isBelow {
                isBelow = line.starts(with: Array(repeating: 0x2D, count: dashes))
                continue
            }
            // With the line's end.
            guard lengths.contains(line.count + 1) else { continue }
            for name in names where line.starts(with: Array(name.utf8)) && line[name.utf8.count] == 0x20 {
                func digit(_ place: Int) -> Int {
                    let byte = line[history + place]
                    return (48...57).contains(byte) ? Int(byte) - 48 : 0
                }
                let hours = 10 * digit(13) + digit(14)
                rows.append(
                    OldRow(
                        name: name, history: String(decoding: line[history..<(history + 12)], as: UTF8.self),
                        latency: hours * 3600 + (10 * digit(16) + digit(17)) * 60 + 10 * digit(19) + digit(20),
                        uptime: 10000 * digit(22) + 1000 * digit(23) + 100 * digit(24) + 10 * digit(26) + digit(27)))
            }
        }
        return rows
    }

    /// YAMN's reader of mlist2.txt (ImportStats of keymgr/public.go); nil where it gives up.
    static func yamn(_ text: String) -> (generated: String, rows: [OldRow])? {
        var phase = 0
        var generated = ""
        var rows: [OldRow] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            switch phase {
            case 0:
                guard line.hasPrefix("Generated: ") else { continue }
                generated = String(line.dropFirst(11))
                phase = 1
            case 1: if line.hasPrefix("----------") { phase = 2 }
            case 2:
                let elements = line.split(separator: "%", omittingEmptySubsequences: false)[0].split(separator: " ")
                if elements.isEmpty {
                    phase = 3
                    continue
                }
                let time =
                    elements.count == 5 ? elements[2].split(separator: ":", omittingEmptySubsequences: false) : []
                guard time.count == 2, let hours = time[0].isEmpty ? 0 : Int(time[0]), (0...99).contains(hours),
                    let minutes = Int(time[1]), (0...59).contains(minutes), let uptime = Double(elements[4]),
                    (0...100).contains(uptime)
                else { return nil }
                rows.append(
                    OldRow(
                        name: String(elements[0]), history: String(elements[1]), uptimeHistory: String(elements[3]),
                        latency: hours * 3600 + minutes * 60, uptime: Int(uptime * 100)))
            default: break
            }
        }
        return phase == 3 ? (generated, rows) : nil
    }

    /// The pattern by which collectors of several pingers' lists know a row of mlist2.txt or rlist2.txt.
    static func collected(_ text: String) throws -> [OldRow] {
        let pattern = try Regex(#"^([^\s]+)\s+([0-9A-H?]{12})\s+([0-9:]+)\s+([0-9+?]{12})\s+([0-9.]+)%\s+(.*)$"#)
        return text.split(separator: "\n").compactMap { line in
            guard let match = String(line).firstMatch(of: pattern) else { return nil }
            func group(_ index: Int) -> String { String(match[index].substring ?? "") }
            return OldRow(
                name: group(1), history: group(2), uptimeHistory: group(4), uptime: Int((Double(group(5)) ?? -1) * 100),
                options: group(6))
        }
    }

    /// The pairs below a heading, as Mixmaster's parse_badchains reads them: until the first line that is none.
    static func chains(_ text: String, _ heading: String) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix(heading) }) else { return ["no heading"] }
        return lines[(start + 1)...].prefix { $0.hasPrefix("(") }.map(String.init)
    }

    /// Names and words of the lines of capabilities, by the pattern of Echolot.
    static func capabilities(_ text: String) throws -> [String: String] {
        let pattern = try Regex(#"^\s*\$remailer\{"(.*)"\}\s*=\s*"<(.*@.*)>(.*)";\s*$"#)
        var found: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let match = String(line).firstMatch(of: pattern) else { continue }
            found[String(match[1].substring ?? "")] = String(match[3].substring ?? "")
        }
        return found
    }
}
