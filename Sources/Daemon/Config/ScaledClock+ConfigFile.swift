internal import WireFormat

extension ScaledClock {
    /// Reads the clock of the table `test`, real time unless that says otherwise.
    public init(_ test: ConfigTable) {
        let scale = test.value(
            "time-scale", .double(0.001...100_000), default: 1,
            doc: "How many times faster than real time the clock runs; test networks only.")
        let origin = test.value(
            "time-origin", .int(0...Int.max / 4), default: 0,
            doc: "Moment (milliseconds since 1970) at which scaled and real time agree; test networks only.")
        self.init(origin: Timestamp(milliseconds: Int64(origin)), scale: scale)
    }
}
