import TestSupport

/// Somebody at a shell, with the real program.
enum PingerUser {
    typealias Answer = BuiltProgram.Answer

    /// Runs `nightjar-pinger` with these words; waits for its end.
    static func run(_ words: String...) throws -> Answer { try run(words) }

    static func run(_ words: [String]) throws -> Answer { try BuiltProgram.run("nightjar-pinger", words) }
}
