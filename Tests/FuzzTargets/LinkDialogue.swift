import MMTP
import MixCrypto
import WireFormat

/// Both sides of a link with a peer who breaks its rules.
enum LinkDialogue {
    /// What a dialer sends: in an input 5 bytes a frame, its header and a byte that its body is full of. That byte says too
    /// what becomes of the frame.
    static func listener(_ bytes: [UInt8]) {
        var machine = ListenerConnectionMachine(answersAsks: bytes.first.map { $0 & 1 == 0 } ?? true)
        var isOpen = true
        var answered = 0
        var frames = 0
        for start in stride(from: 1, to: bytes.count - 4, by: 5).prefix(100) where isOpen {
            let how = bytes[start + 4]
            let frame = Array(bytes[start..<start + 4]) + [UInt8](repeating: how, count: LinkFrame.bodySize)
            frame.withUnsafeBytes { whole in
                var rest = whole
                while isOpen {
                    switch machine.receive(&rest) {
                    case .needMoreBytes: return precondition(rest.isEmpty, "bytes are left")
                    case .frameBegins: if how & 2 == 0 { machine.accept() } else { machine.refuse(.busy) }
                    case .packet(let number, let body), .ask(_, let number, let body):
                        frames += 1
                        precondition(body.count == LinkFrame.bodySize, "a body of another size")
                        let digest = Digest.sha256(body)
                        if how & 4 == 0 { machine.answer(number: number, .received, digest: digest) }
                        precondition(
                            !machine.answer(number: number &+ 64, .received, digest: digest), "an unknown frame")
                    case .padding, .refused: frames += 1
                    case .violation: isOpen = false
                    }
                    precondition(machine.unanswered <= LinkFrame.window, "more than a window")
                    precondition(machine.unansweredAsks <= LinkFrame.askWindow, "more than a window of asks")
                }
            }
            if how & 8 != 0 { machine.stop() }
            while let answer = machine.nextAnswerBytes() {
                answered += 1
                precondition(answer.count == 40 || answer.count == 40 + LinkFrame.bodySize, "an answer of another size")
            }
        }
        precondition(frames == answered + machine.unanswered, "an answer got lost")
    }

    /// What a listener sends: in an input 41 bytes an answer, itself and a byte of which a block behind it is full.
    static func dialer(_ bytes: [UInt8]) {
        guard let how = bytes.first else { return }
        var machine = DialerConnectionMachine()
        for _ in 0..<(how & 7) { _ = machine.send(digest: nil, asksForBlock: machine.roomForAsks > 0 && how & 8 != 0) }
        for start in stride(from: 1, to: bytes.count - 40, by: 41).prefix(16) {
            var answer = Array(bytes[start..<start + 40])
            if how & 8 != 0 { answer += [UInt8](repeating: bytes[start + 40], count: LinkFrame.bodySize) }
            var isOpen = true
            answer.withUnsafeBytes { whole in
                var rest = whole
                while isOpen {
                    let before = machine.unanswered
                    switch machine.receive(&rest) {
                    case .needMoreBytes: return precondition(rest.isEmpty, "bytes are left")
                    case .answered: precondition(machine.unanswered == before - 1, "an answer to nothing")
                    case .answeredWithBlock(_, _, let block):
                        precondition(machine.unanswered == before - 1, "an answer to nothing")
                        precondition(block.count == LinkFrame.bodySize, "a block of another size")
                    case .violation:
                        precondition(machine.room == 0, "a broken connection is used")
                        isOpen = false
                    }
                }
            }
            if machine.room > 32 { _ = machine.send(digest: nil) }
        }
        let left = machine.unanswered
        precondition(machine.close().count == left && machine.unanswered == 0, "a frame got lost")
    }
}
