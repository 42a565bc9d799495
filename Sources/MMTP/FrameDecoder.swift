// Cuts the bytes that a dialer sends into frames, however TLS and TCP have fragmented them. Holds at most one frame:
// its header tells whether the body is copied out or only digested, so a frame that will be refused costs no memory.

internal import MixCrypto
internal import WireFormat

/// Decoder of frames from dialer to listener.
struct FrameDecoder: Sendable {
    /// What the bytes amounted to.
    enum Step {
        case needMoreBytes
        /// A header; the owner calls `begin` before it goes on.
        case header(FrameType)
        /// A body that was collected, `LinkFrame.bodySize` bytes.
        case body([UInt8])
        /// A body of which only the digest was wanted.
        case digest(Digest)
        case violation(LinkViolation)
    }

    private enum State {
        case header(count: Int, word: UInt32)
        case undecided
        case collecting([UInt8])
        case digesting(DigestBuilder, left: Int)
    }

    private var state = State.header(count: 0, word: 0)

    /// Whether part of a frame is held.
    var isInsideFrame: Bool {
        if case .header(count: 0, word: _) = state { false } else { true }
    }

    /// Chooses what becomes of the body whose header was just reported.
    mutating func begin(collecting: Bool) {
        guard case .undecided = state else { preconditionFailure("a frame is begun once, after its header") }
        if collecting {
            var body: [UInt8] = []
            body.reserveCapacity(LinkFrame.bodySize)
            state = .collecting(body)
        } else {
            state = .digesting(DigestBuilder(), left: LinkFrame.bodySize)
        }
    }

    /// Takes bytes off the front of `input` until something is complete or `input` is empty.
    mutating func next(_ input: inout UnsafeRawBufferPointer) -> Step {
        switch state {
        case .header(var count, var word):
            while count < LinkFrame.headerSize, let byte = input.first {
                word = word << 8 | UInt32(byte)
                count += 1
                input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
            }
            guard count == LinkFrame.headerSize else {
                state = .header(count: count, word: word)
                return .needMoreBytes
            }
            do throws(LinkViolation) {
                let type = try LinkFrame.type(ofHeader: word)
                state = .undecided
                return .header(type)
            } catch {
                return .violation(error)
            }
        case .undecided:
            preconditionFailure("a header that was reported waits for a decision")
        case .collecting(var body):
            // The state must not hold a second reference while the body grows, or every piece would copy it.
            state = .undecided
            let piece = Self.takeFirst(LinkFrame.bodySize - body.count, of: &input)
            body.append(contentsOf: piece.assumingMemoryBound(to: UInt8.self))
            guard body.count == LinkFrame.bodySize else {
                state = .collecting(body)
                return .needMoreBytes
            }
            state = .header(count: 0, word: 0)
            return .body(body)
        case .digesting(var builder, let left):
            let piece = Self.takeFirst(left, of: &input)
            builder.update(piece)
            guard piece.count == left else {
                state = .digesting(builder, left: left - piece.count)
                return .needMoreBytes
            }
            state = .header(count: 0, word: 0)
            return .digest(builder.finish())
        }
    }

    private static func takeFirst(_ count: Int, of input: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let piece = UnsafeRawBufferPointer(rebasing: input.prefix(count))
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(piece.count))
        return piece
    }
}
