import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

/// An authority killed with SIGKILL right after it recorded something, and right after it sent it.
@Suite struct AuthorityStoreCrashTests {
    @Test(arguments: ["vote", "proposal", "signature"], ["recorded", "sent"])
    func itNeverSaysTwoThings(_ act: String, _ moment: String) throws {
        let directory = try TemporaryDirectory("nightjar-authority-crash")
        let path = directory.file("authority.sqlite")
        var said: [String: String] = [:]
        for (variant, count) in [(1, 1), (2, 2), (3, 4), (4, 0)] {
            let (lines, killed) = try CrashProgram.run(
                ["authority", path, "\(variant)", "9"],
                killAt: count > 0 ? "authority-\(act)-\(moment):\(count)" : nil)
            #expect(killed == (count > 0))
            for line in lines {
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 4, words[0] == "sent" else { continue }
                let what = "\(words[1]) \(words[2])"
                #expect(said[what] ?? words[3] == words[3], "\(what) was said twice")
                said[what] = words[3]
            }
        }
        // What was recorded and not sent stays unsaid here: at most one for each kill.
        #expect(said.keys.filter { $0.hasPrefix("vote") }.count >= 6)
        let store = try AuthorityStore.open(path: path)
        for record in try store.ownRecords(from: 0) {
            if let digest = said["\(record.act) \(record.slot)"] { #expect(record.digest.hex == digest) }
        }
    }

    @Test func aFullDiskIsToldAndLosesNothing() throws {
        let directory = try TemporaryDirectory("nightjar-authority-full")
        let script =
            "mount -t tmpfs -o size=1m none \(directory.path)"
            + " && exec \(CrashProgram.path) authority \(directory.path)/a.sqlite 1 20000"
        guard SpoolFullDiskTests.canMount else { return }
        let (lines, reason, status) = try CrashProgram.start("/bin/sh", ["-c", "exec unshare -rm sh -c '\(script)'"])
        #expect(reason == .exit && status == 0)
        // Up to some record all are sent, from there on all are refused.
        let first = lines.firstIndex { $0.hasPrefix("refused") } ?? lines.endIndex
        #expect(first > 100 && first < lines.endIndex)
        #expect(lines[first...].filter { $0.hasPrefix("sent") }.count < 50)
    }
}
