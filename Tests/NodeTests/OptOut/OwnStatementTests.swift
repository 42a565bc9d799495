import Daemon
import Directory
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// A node's own statement, when its file is damaged.
@Suite struct OwnStatementTests {
    @Test("a statement that cannot be read is counted, and the book makes a new one")
    func damaged() throws {
        let stage = try OptOutStage()
        stage.write(to: "optout")
        stage.write(to: try stage.outbox.confirmation())
        stage.clock.now = OptOutStage.start + .days(1)
        stage.desk.turn(at: stage.clock.now)
        stage.desk.drain()
        #expect(stage.desk.statement.current?.hashes.count == 1)
        #expect(!stage.desk.statement.isLost)
        try AtomicFile.write(Array("nightjar-opt-outs 1\n".utf8), to: stage.directory.file("opt-outs"))
        try stage.restart()
        #expect(stage.desk.statement.isLost && stage.counts["opt_out_statement_failures"] == 1)
        #expect(stage.desk.statement.current?.hashes.count == 1)
        #expect(try stage.declines("ada@example.org"))
        // With the store lost as well, nothing tells who it was.
        try AtomicFile.write([], to: stage.directory.file("opt-outs"))
        try stage.restart(losing: true)
        #expect(stage.counts["opt_out_statement_failures"] == 2 && stage.counts["opt_out_restored"] == 0)
    }
}
