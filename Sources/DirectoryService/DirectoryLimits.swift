/// Bounds on what the directory's servers and clients take from each other.
public enum DirectoryLimits {
    /// Most bytes of a document that an authority sends to another: a vote on 2,000 nodes has some 600 KiB.
    public static let documentSize = 4 << 20
}
