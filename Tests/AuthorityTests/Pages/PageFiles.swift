import TestSupport
import Testing

@testable import AuthorityProgram

extension PageFolder {
    /// Writes the page at `path` of a report.
    mutating func add(_ name: String, _ path: String, _ facts: HealthFacts) throws {
        let answer = try #require(HealthPage.answer(path, report: HealthReport.make(facts)))
        try add(name, path, body: Array(answer.body.utf8), contentType: answer.contentType)
    }
}
