/// How many of `n` authorities may lie, and how many must agree. Any two quorums have an authority in common that does not
/// lie, so two documents for one slot cannot both have one.
public enum Quorum {
    /// Authorities that may fail in any way: (n - 1) / 3, rounded down.
    public static func faults(_ count: Int) -> Int { max(count - 1, 0) / 3 }

    /// Signatures that certify: floor((n + f) / 2) + 1; 2 of 3, 3 of 4, 4 of 5, 5 of 7, 6 of 9.
    public static func needed(_ count: Int) -> Int { (count + faults(count)) / 2 + 1 }
}
