/// The server's side of one connection as a pure machine: bytes in, actions out.
package protocol ServerMachine: Sendable {
    associatedtype Action

    /// Whether an answer from our side is awaited; then nothing is read from the peer.
    var isWaiting: Bool { get }
    var isClosed: Bool { get }

    /// The connection is up.
    func start() -> [Action]
    /// Bytes from the peer.
    mutating func received(_ bytes: some Collection<UInt8>) -> [Action]
    /// The peer is too slow.
    mutating func timedOut() -> [Action]
    /// This side is stopping.
    mutating func shutDown() -> [Action]
}
