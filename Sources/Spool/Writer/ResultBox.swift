internal import Synchronization

/// Where a completion leaves results for a thread that waits for them.
final class ResultBox: Sendable {
    let results = Mutex<[SpoolResult]>([])
}
