internal import NodeProgram

/// What the program calls itself.
public enum LabVersion {
    public static let text = NodeVersion.text
}
