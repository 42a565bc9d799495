/// All descriptors of a consensus in one piece: their bytes one after another, in the order of the consensus.
public enum DescriptorBundle {
    /// Most bytes of a bundle: 2,000 descriptors of 24 KiB.
    public static let maximumSize = 48 << 20
    private static let firstLine = Array("\(DocumentKind.descriptor.rawValue) 1\n".utf8)

    public static func join(_ descriptors: [Descriptor]) -> [UInt8] { descriptors.flatMap(\.bytes) }

    /// The single descriptors, not looked at beyond their first lines. What stands before the first is left out; a bundle that
    /// is too large is cut off.
    public static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var starts: [Int] = []
        var offset = 0
        let end = min(bytes.count, maximumSize)
        while offset < end, starts.count <= Consensus.maximumNodes {
            if bytes[offset] == firstLine[0], bytes[offset..<end].starts(with: firstLine) { starts.append(offset) }
            guard let feed = bytes[offset..<end].firstIndex(of: 10) else { break }
            offset = feed + 1
        }
        let bounds = starts + [end]
        return zip(bounds, bounds.dropFirst()).prefix(Consensus.maximumNodes).map { bytes[$0..<$1] }
    }
}
