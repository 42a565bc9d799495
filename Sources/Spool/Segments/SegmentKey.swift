/// What a segment's sealed key is bound to.
enum SegmentKey {
    static func place(_ id: UInt32) -> String { "segment \(id)" }
}
