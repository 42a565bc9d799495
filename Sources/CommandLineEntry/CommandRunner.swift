// How every program starts and ends: one place for exit codes and for where messages go.

public import ArgumentParser
internal import Daemon

/// Runs a command with the exit codes of this project: 0 done, 1 failed, 2 usage, 3 temporary, 4 refused by policy.
public enum CommandRunner {
    /// Parses the command line, runs the command that it names, and ends the process if that fails.
    public static func run<Command: AsyncParsableCommand>(_ root: Command.Type) async {
        do {
            var command = try root.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            root._exit(with: error)
        }
    }
}

extension ParsableCommand {
    fileprivate static func _exit(with error: any Error) -> Never {
        let terminal = Terminal.standard
        terminal.clearProgress()
        let code = exitCode(for: error)
        if code == .success {
            // --help and --version end this way.
            try? terminal.print(fullMessage(for: error))
            ProcessEnd.now(.done)
        }
        if code == .validationFailure {
            terminal.message(fullMessage(for: error))
            ProcessEnd.now(.usage)
        }
        let failure = CommandFailure(wrapping: error)
        terminal.message(failure.message)
        ProcessEnd.now(failure.code)
    }
}
