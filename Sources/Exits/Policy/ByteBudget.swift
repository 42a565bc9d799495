public import WireFormat

/// How many bytes a module may hand over in an hour: a token bucket of one hour's worth. A mail larger than that passes when
/// the bucket is full, and its debt is paid before the next. A quarter is for small mails alone, so that a few large ones do not
/// keep everybody else's back.
public struct ByteBudget: Sendable {
    /// Bytes of the largest small mail.
    public static let small = 64 << 10
    /// Bytes an hour, at least 1.
    public let hourly: Int
    private var debt = 0.0
    private var at: Timestamp?

    public init(hourly: Int) { self.hourly = max(hourly, 1) }

    /// Takes `bytes`; nil if they may go, else when to ask again.
    public mutating func take(_ bytes: Int, now: Timestamp) -> Timestamp? {
        let rate = Double(hourly) / 3_600_000
        if let at { debt = max(0, debt - Double(max(0, (now - at).milliseconds)) * rate) }
        at = now
        let room = bytes > Self.small ? Double(hourly) * 0.75 : Double(hourly)
        let over = debt + Double(bytes) - room
        guard over <= 0 || debt == 0 else { return now + .milliseconds(Int64(min(over, debt) / rate) + 1) }
        debt += Double(bytes)
        return nil
    }

    /// Gives back what was taken for a mail that did not go.
    public mutating func give(_ bytes: Int) { debt = max(0, debt - Double(bytes)) }
}
