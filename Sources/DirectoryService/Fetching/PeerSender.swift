// Hands a document to another authority. Once: whoever calls decides when to try again.

public import WireFormat

/// How a peer took a document.
public enum PeerOutcome: Hashable, Sendable {
    /// It has it, now or from before.
    case accepted
    /// It will not take it: its words, made safe to print. Sending the same again is of no use.
    case refused(String)
    /// Not now; it asks to be spared for that time.
    case busy(retryAfter: Interval)
    /// No answer, or not one of an authority.
    case unreachable(FetchError)
}

/// Posts documents.
public struct PeerSender: Sendable {
    /// A peer cannot put us off for longer than that.
    public static let longestRetryAfter = Interval.hours(1)

    private let client: DirectoryHTTPClient

    public init(client: DirectoryHTTPClient) { self.client = client }

    /// Posts `document` to a peer that has several addresses: to one after another, until one takes it. A refusal counts only
    /// when no other address does better: what answers there may be somebody else's server by now.
    public func post(_ document: [UInt8], as kind: DirectoryUpload, to urls: [String]) async -> PeerOutcome {
        var outcome = PeerOutcome.unreachable(.badURL("the peer has no address"))
        for url in urls {
            let next = await post(document, as: kind, to: url)
            switch next {
            case .accepted: return next
            case .busy: outcome = next
            case .refused: if case .busy = outcome {} else { outcome = next }
            case .unreachable: if case .unreachable = outcome { outcome = next }
            }
        }
        return outcome
    }

    private func post(_ document: [UInt8], as kind: DirectoryUpload, to url: String) async -> PeerOutcome {
        do throws(FetchError) {
            let answer = try await client.post(document, to: DirectoryURL(url).appending(kind.rawValue))
            return Self.outcome(of: answer)
        } catch {
            return .unreachable(error)
        }
    }

    static func outcome(of answer: PostAnswer) -> PeerOutcome {
        switch answer.status {
        case 200, 202: .accepted
        case 429, 503: .busy(retryAfter: min(answer.retryAfter ?? .seconds(60), longestRetryAfter))
        // What an authority says about a document. Anything else comes of a wrong address.
        case 400, 403, 409, 413: .refused(answer.words.isEmpty ? "\(answer.status) without a reason" : answer.words)
        default: .unreachable(.status(answer.status, answer.words))
        }
    }
}
