/// What a probe is to find out. All but a delivery come back to a mailbox of the pinger's own.
public enum ProbeKind: String, CaseIterable, Hashable, Sendable {
    /// A message of one packet to an own mailbox, like any client's.
    case loop
    /// An answer through an own reply block (SURB).
    case reply
    /// A loop made with the next key period's keys. A node can tell it from other packets, so it says only whether those keys
    /// work, and nothing of the node's reliability.
    case ahead
    /// A mail through an exit to a test address.
    case delivery
}
