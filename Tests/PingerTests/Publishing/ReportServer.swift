import Directory
import DirectoryService
import Foundation
import Synchronization
import WireFormat

/// A server of the directory on the loopback that does with reports what a test says.
final class ReportServer: DirectoryBackend {
    private struct State {
        var posted: [[UInt8]] = []
        var verdict = UploadVerdict.stored
    }
    private let state = Mutex(State())
    private let server = Mutex<Task<Void, any Error>?>(nil)
    private let port: Int

    /// - Parameter port: 0 for any.
    init(port: Int = 0) { self.port = port }

    /// Starts to serve.
    /// - Returns: the address.
    func start() async throws -> String {
        let made = DirectoryServer(listen: [ListenAddress(host: "127.0.0.1", port: port)], backend: self)
        server.withLock { $0 = Task { try await made.run() } }
        return "http://127.0.0.1:\(try await made.addresses()[0].port)"
    }

    /// Returns when nobody listens any more.
    func stop() async {
        let task = server.withLock { $0 }
        task?.cancel()
        _ = await task?.result
    }

    func takes(_ verdict: UploadVerdict) { state.withLock { $0.verdict = verdict } }

    var posted: [[UInt8]] { state.withLock { $0.posted } }

    func served(_ route: DirectoryRoute) async throws -> ServedDocument? { nil }

    func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        state.withLock { state in
            if kind == .report { state.posted.append(bytes) }
            return state.verdict
        }
    }
}
