// What `nightjar decode` shows, and how it ends.

internal import Daemon
internal import Messages
internal import WireFormat

extension Client {
    /// Takes in what is found and shows the messages that are complete.
    /// - Throws: `CommandFailure`: `failed` if something is no message of ours or damaged, or there is nothing;
    ///   `temporary` if all that was found are parts of messages that are not complete yet.
    /// - Parameter statusDescriptor: where lines for programs are written.
    public func showDecoded(
        _ request: DecodeRequest, options: OutputOptions, statusDescriptor: Int32? = nil
    ) async throws {
        let status = try StatusLines(descriptor: statusDescriptor)
        struct Rest: Encodable {
            struct Problem: Encodable {
                let source: String
                let block: Int
                let error: String
            }
            let incomplete: [IncompleteFacts]
            let problems: [Problem]
            let receipts: Int
            let secondAnswers: Int
        }
        let report = try await decode(request)
        let rest = Rest(
            incomplete: report.incomplete.map { IncompleteFacts($0) },
            problems: report.problems.map { .init(source: $0.source, block: $0.number, error: "\($0.error)") },
            receipts: report.receipts, secondAnswers: report.secondAnswers.count)
        for message in report.messages {
            status.write(
                "DECODED", message.id.hex, message.kind.rawValue, message.origin.kind, message.origin.name,
                message.size,
                message.replyBlocks.count)
        }
        for message in report.incomplete {
            status.write("INCOMPLETE", message.id.hex, message.held, message.wanted)
        }
        status.write("FOUND", report.found, report.messages.count, report.receipts, report.problems.count)
        let binary = try MessagePresenter(client: self, options: options).show(report.messages, rest: rest)
        for message in report.incomplete { note(MessagePresenter.line(message)) }
        if report.receipts > 0 { note("\(Count.text(report.receipts, "receipt")) taken in; see `nightjar sent`") }
        for second in report.secondAnswers {
            terminal.message(
                "\(Self.place(second)): something else came through the same reply block before; somebody has used it twice"
            )
        }
        for problem in report.problems { terminal.message("\(Self.place(problem)): \(problem.error)") }
        guard report.found > 0 else {
            throw CommandFailure(
                "nothing to decode: there is no block that begins with -----BEGIN NIGHTJAR MESSAGE-----", code: .failed)
        }
        if !report.problems.isEmpty {
            throw CommandFailure(
                "\(report.problems.count) of \(Count.text(report.found, "block")) could not be read", code: .failed)
        }
        if !binary.isEmpty { throw CommandFailure("not everything was shown", code: .failed) }
        if report.messages.isEmpty, report.receipts == 0, !report.incomplete.isEmpty {
            throw CommandFailure(
                "the message is not complete yet; decode its other parts when they come", code: .temporary)
        }
    }

    private static func place(_ problem: DecodeProblem) -> String {
        problem.source.isEmpty ? "a message" : "\(Printable.text(problem.source)), block \(problem.number)"
    }
}
