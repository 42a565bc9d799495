// Whether the program does its work, in a form for monitors: each part says what is wrong with it, or nothing.

internal import Synchronization

/// What is wrong with a program, by part.
public final class Health: Sendable {
    private let troubles = Mutex<[String: String]>([:])

    public init() {}

    /// The part `name` is well (nil) or has this trouble: a sentence in lower case, under the rules of the log.
    public func set(_ name: String, trouble: String?) { troubles.withLock { $0[name] = trouble } }

    /// What is wrong, by part; empty if all is well.
    public var current: [String: String] { troubles.withLock { $0 } }

    /// `ok`, or a line for each trouble.
    var text: String {
        let current = current
        guard !current.isEmpty else { return "ok\n" }
        return current.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
    }
}
