// Locks of the file of records. The system takes all of a process's locks on a file away when it closes any descriptor of
// it; a second store in a process must not do that to the first.

import Foundation
import TestSupport
import Testing

@testable import Spool

@Suite struct RecordLockTests {
    /// Locks that this process has on the file, as the system lists them.
    private func locks(on path: String) throws -> Int {
        let number = try #require(
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int)
        let list = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
        let process = "\(ProcessInfo.processInfo.processIdentifier)"
        return list.split(separator: "\n").count { line in
            let fields = line.split(separator: " ")
            return fields.contains { $0 == process } && fields.contains { $0.hasSuffix(":\(number)") }
        }
    }

    @Test func aSecondStoreLeavesTheLocksOfTheFirst() throws {
        let directory = try TemporaryDirectory("nightjar-records")
        let path = directory.file("records.sqlite")
        let kind = RecordKind(rawValue: 200)
        let first = try RecordStore.open(path: path, key: SpoolFixture.key)
        try first.transaction { try $0.put(kind, [1], [2], expires: nil) }
        let before = try locks(on: path)
        #expect(before > 0, "an open store keeps others from deleting its log")
        let second = try RecordStore.open(path: path, key: SpoolFixture.key)
        #expect(try locks(on: path) >= before)
        second.close()
        #expect(try locks(on: path) >= before)
        try first.transaction { try $0.put(kind, [1], [3], expires: nil) }
        #expect(try first.get(kind, [1]) == [3])
        first.close()
    }
}
