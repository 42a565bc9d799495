// Places of a pinger's database, for tests: it is killed there, and nothing may be counted twice or lost.

extension CrashPoint {
    /// Everything of a transaction is done but its end.
    public static let pingsBeforeCommit = CrashPoint("pings-before-commit")
    /// It is committed, nobody told.
    public static let pingsAfterCommit = CrashPoint("pings-after-commit")
    /// A part of what is too old is deleted.
    public static let pingsExpiring = CrashPoint("pings-expiring")
}
