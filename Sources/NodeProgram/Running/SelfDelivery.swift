internal import Foundation
internal import Spool

/// Ties the knot between forwarder and intake, each of which needs the other.
final class SelfDelivery: @unchecked Sendable {
    private let lock = NSLock()
    private var held: (@Sendable ([PacketRowID]) -> Void)?

    var handler: (@Sendable ([PacketRowID]) -> Void)? {
        get { lock.withLock { held } }
        set { lock.withLock { held = newValue } }
    }
}
