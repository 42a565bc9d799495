/// The version that an authority's program tells.
public enum AuthorityVersion {
    /// Name and version.
    public static let text = "nightjar-authority 0.1"
}
