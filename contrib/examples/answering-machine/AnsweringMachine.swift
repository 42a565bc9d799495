// An answering machine: polls its mailbox and thanks everybody who enclosed reply blocks. It knows nobody's address, and
// nobody knows where it runs. Shows the client library: `swift run answering-machine --once`, see doc/LIBRARY.md.

import ClientProgram
import Daemon

@main
enum AnsweringMachine {
    static func main() async {
        let isOnce = CommandLine.arguments.contains("--once")
        do {
            try ClientProcess.prepare()
            let mail = try MailClient()
            if try await mail.mailboxes().isEmpty {
                print("messages can be left at \(try await mail.createMailbox().address)")
            }
            repeat {
                for message in try await mail.receive() {
                    print("a message of \(message.size) bytes for \(message.origin)")
                    if !message.blocks.isEmpty {
                        let answer = "Subject: thank you\r\n\r\nYour \(message.size) bytes have arrived.\r\n"
                        try await mail.reply(Array(answer.utf8), through: message.blocks)
                        print("answered")
                    }
                    // Only now: had the machine died before, it would see the message again.
                    try mail.markRead([message])
                }
                if !isOnce { try await Task.sleep(for: .seconds(600)) }
            } while !isOnce
        } catch let failure as CommandFailure {
            Terminal.standard.message(failure.message)
        } catch {
            Terminal.standard.message("\(error)")
        }
    }
}
