// A real server on the loopback, for a test, and a backend that holds what the test gives it.

import DirectoryService
import Synchronization
import WireFormat

/// Serves what it is given, and remembers what was posted.
final class MemoryBackend: DirectoryBackend {
    struct Posted: Hashable {
        let bytes: [UInt8]
        let kind: DirectoryUpload
    }
    struct Broken: Error {}

    private let documents: Mutex<[DirectoryRoute: ServedDocument]>
    private let received = Mutex<[Posted]>([])
    private let verdict: @Sendable ([UInt8]) -> UploadVerdict

    init(
        _ documents: [DirectoryRoute: ServedDocument] = [:],
        verdict: @escaping @Sendable ([UInt8]) -> UploadVerdict = { _ in .stored }
    ) {
        self.documents = Mutex(documents)
        self.verdict = verdict
    }

    var posted: [Posted] { received.withLock { $0 } }

    func served(_ route: DirectoryRoute) async throws -> ServedDocument? {
        if route == .page("broken") { throw Broken() }
        return documents.withLock { $0[route] }
    }

    func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        received.withLock { $0.append(Posted(bytes: bytes, kind: kind)) }
        return verdict(bytes)
    }
}

/// A server that runs until it is stopped, which a test does at its end.
final class RunningServer: Sendable {
    let server: DirectoryServer
    let port: Int
    private let task: Task<Void, any Error>

    init(_ backend: any DirectoryBackend, limits: DirectoryServerLimits = DirectoryServerLimits()) async throws {
        let server = DirectoryServer(
            listen: [ListenAddress(host: "127.0.0.1", port: 0)], backend: backend, limits: limits)
        self.server = server
        task = Task { try await server.run() }
        port = try await server.addresses()[0].port
    }

    var url: String { "http://127.0.0.1:\(port)" }

    func stop() { task.cancel() }
}

/// Text of that many bytes that compresses well but not to nothing.
func prose(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var number = 1
    while bytes.count < count {
        bytes += Array("line \(number * number % 9973) of the text\n".utf8)
        number += 1
    }
    return Array(bytes.prefix(count))
}
