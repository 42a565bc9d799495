internal import Daemon

/// An address at which no answer can be received.
struct ReplyTargetError: Error, Equatable, CustomStringConvertible, ExitCodeProviding {
    let address: String

    var description: String {
        "answers cannot go to \(Printable.text(address)); use a mailbox (`nightjar mailbox create`), an smtp: or an mbox: address"
    }
    var exitCode: ExitCode { .usage }
}
