import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import spool_crash

/// Kills a process that uses a spool at every crash point, again and again in the same directory, and checks after each
/// that nothing reported was lost or doubled.
@Suite struct SpoolCrashTests {
    static let points = [
        "segment-written", "segment-flushed", "before-commit", "after-commit", "records-copied", "copy-committed",
        "segment-erased", "message-completing", "message-completed", "file-finished", "delivery-finished",
    ]

    @Test(arguments: points)
    func losesAndDoublesNothing(point: String) throws {
        let directory = try TemporaryDirectory("nightjar-crash")
        let path = directory.file("spool")
        var random = SeededRandom(name: "crash \(point)")
        var judge = CrashJudge()
        var kills = 0
        for round in 0..<4 {
            let count = Int.random(in: 1...(round == 0 ? 3 : 20), using: &random)
            // Rounds have numbers of their own, and each begins later than the one before ended.
            let (lines, killed) = try CrashProgram.run(
                [path, String(1 + round * 1000), "30"], killAt: "\(point):\(count)")
            if killed { kills += 1 }
            for line in lines { judge.hear(line) }
            try judge.check(path, tried: round * 1000 + 1..<round * 1000 + 400)
        }
        #expect(kills > 0, "\(point) was reached")
    }
}
