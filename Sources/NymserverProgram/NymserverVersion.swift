/// Name and version.
public enum NymserverVersion {
    public static let text = "nightjar-nymserver 0.1"
}
