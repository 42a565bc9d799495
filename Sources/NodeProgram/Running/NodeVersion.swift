/// What the program calls itself.
public enum NodeVersion {
    public static let number = "0.1.0"
    public static let text = "nightjar \(number)"
}
