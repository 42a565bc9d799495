// All tests of whole networks, one after the other: each starts processes that want both processors.

import Foundation
import Testing

/// The suite that holds all others of this target.
@Suite("Whole networks of processes", .serialized)
enum Integration {}

/// A condition that did not come true in time.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` holds; asks again after `pause`, which is longer where asking costs time that others need.
func eventually(
    _ what: String, seconds: Double = 60, every pause: Duration = .milliseconds(20),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let end = Date().addingTimeInterval(seconds)
    while true {
        if try await condition() { return }
        guard Date() < end else { throw TimedOut(description: "not within \(Int(seconds)) s: \(what)") }
        try await Task.sleep(for: pause)
    }
}
