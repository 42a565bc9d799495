// Places of a nymserver's database, for tests: it is killed there, and nothing may be lost or come twice.

extension CrashPoint {
    /// Everything of a transaction is done but its end.
    public static let nymsBeforeCommit = CrashPoint("nyms-before-commit")
    /// It is committed, nobody told.
    public static let nymsAfterCommit = CrashPoint("nyms-after-commit")
    /// A part of what is too old is deleted.
    public static let nymsExpiring = CrashPoint("nyms-expiring")
    /// A packet is in its row and in the spool.
    public static let nymPacketHandedOver = CrashPoint("nym-packet-handed-over")
}
