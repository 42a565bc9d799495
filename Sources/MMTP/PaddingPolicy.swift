/// How many padding frames follow a burst, so that its size is seen only in steps.
public struct PaddingPolicy: Sendable, Hashable {
    /// Bursts are filled up to a multiple of this many frames; 1 adds none.
    public var multiple: Int

    /// `multiple` at least 1.
    public init(multiple: Int) {
        precondition(multiple >= 1, "a burst is filled to a multiple of at least one frame")
        self.multiple = multiple
    }

    /// Padding frames to send after `sent` frames; none after none, since silence is not padded here.
    public func frames(after sent: Int) -> Int {
        guard sent > 0 else { return 0 }
        return (multiple - sent % multiple) % multiple
    }
}
