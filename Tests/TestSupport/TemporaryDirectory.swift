public import Foundation

/// A directory of a test's own; removed when the value goes.
public final class TemporaryDirectory: Sendable {
    public let url: URL
    public var path: String { url.path }

    public init(_ name: String = "nightjar-test") throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// The path of `name` inside.
    public func file(_ name: String) -> String { url.appendingPathComponent(name).path }

    deinit { try? FileManager.default.removeItem(at: url) }
}

enum Environment {
    static var seed: UInt64? { ProcessInfo.processInfo.environment["NIGHTJAR_SEED"].flatMap(UInt64.init) }
}
