import Foundation
import Testing

@Suite("Golden transcripts", .timeLimit(.minutes(5)))
struct TranscriptTests {
    @Test("a session goes as it is written down", arguments: GoldenTranscript.names)
    func session(_ name: String) async throws {
        let file = GoldenTranscript.file(name)
        let golden = try GoldenTranscript(String(contentsOf: file, encoding: .utf8))
        var seen = golden
        let stage = try TranscriptStage()
        for (index, line) in golden.lines.enumerated() {
            switch line {
            case .comment: break
            case .stage(let words): try await stage.set(words)
            case .command(let command, let answer):
                let now = try await stage.run(command)
                seen.lines[index] = .command(command, now)
                if !GoldenTranscript.isRecording {
                    #expect(now == answer, "\(name).session: $ \(command)\nwas\n\(answer)\nis\n\(now)")
                }
            }
        }
        await stage.end()
        if GoldenTranscript.isRecording { try seen.text.write(to: file, atomically: true, encoding: .utf8) }
    }

    @Test("what is read of a session is what is written")
    func format() throws {
        let text =
            "# comment\n\n% joined\n$ nightjar send <<END\n> Hello\n> \n> END\n| a\n|\n| b\n! c\nexit 2\n$ true\n"
        let transcript = try GoldenTranscript(text)
        #expect(transcript.text == text)
        #expect(transcript.lines.count == 5)
        #expect(
            transcript.lines[3]
                == .command(
                    "nightjar send <<END\nHello\n\nEND", Transcript(output: "a\n\nb\n", messages: "c\n", code: 2)))
        for wrong in ["| output of nothing\n", "$ true\nodd\n", "$ true\nexit x\n"] {
            #expect(throws: GoldenTranscript.Malformed.self) { try GoldenTranscript(wrong) }
        }
    }
}
