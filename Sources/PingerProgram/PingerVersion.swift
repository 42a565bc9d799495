/// Name and version, as documents and pages have it.
public enum PingerVersion {
    public static let text = "nightjar-pinger 0.1"
}
