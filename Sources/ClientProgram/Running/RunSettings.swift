// What client.toml says about `nightjar run`.

internal import Daemon
internal import WireFormat

/// The table `[run]`. All times are on the network's clock.
struct RunSettings: Equatable, Sendable {
    /// Mean time between two packets of a network's stream.
    var sendInterval = Interval.seconds(20)
    /// Mean time between two polls of a mailbox.
    var pollInterval = Interval.minutes(10)
    /// Mean time between two looks at what the user has given to be sent and at what has to be sent once more.
    var outboxInterval = Interval.seconds(30)
    /// Mean time between two readings of what is installed of the directory, in case another program changed it.
    var refreshInterval = Interval.hours(1)
    /// Mean time between two cleanings: what has expired goes, secrets that are due are replaced.
    var cleanInterval = Interval.hours(6)

    /// The defaults.
    init() {}

    /// Takes the settings out of a file.
    init(_ root: ConfigTable) {
        let table = root.table("run")
        sendInterval = table.value(
            "send-interval", .duration(.milliseconds(100) ... .hours(1)), default: sendInterval,
            doc:
                "Mean time between two packets that leave: one of yours if any waits, else one that ends nowhere. Each is 32 KiB."
        )
        pollInterval = table.value(
            "poll-interval", .duration(.seconds(1) ... .days(7)), default: pollInterval,
            doc: "Mean time between two polls of a mailbox.")
        outboxInterval = table.value(
            "outbox-interval", .duration(.seconds(1) ... .hours(1)), default: outboxInterval,
            doc: "Mean time between two looks at what was given to be sent, or has to be sent once more.")
        refreshInterval = table.value(
            "refresh-interval", .duration(.seconds(1) ... .days(1)), default: refreshInterval,
            doc: "Mean time between two looks at whether another program installed something newer of the directory.")
        cleanInterval = table.value(
            "clean-interval", .duration(.seconds(1) ... .days(7)), default: cleanInterval,
            doc: "Mean time between two cleanings of what has expired.")
    }
}
