// What may be posted to an authority, and what it answers.

internal import Directory
public import WireFormat

/// A kind of document that an authority takes.
public enum DirectoryUpload: String, CaseIterable, Hashable, Sendable {
    /// From nodes.
    case descriptor = "descriptors"
    /// From authorities.
    case vote = "votes"
    case proposal = "proposals"
    case signature = "signatures"
    case evidence = "evidence"
    /// From pingers and authorities.
    case report = "reports"
    /// From nodes.
    case optOuts = "opt-outs"

    /// Reads the path of a request; nil if nothing may be posted there.
    public init?(path: some StringProtocol) {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        self.init(rawValue: String(path.dropFirst()))
    }

    /// The path to post to.
    public var path: String { "/" + rawValue }

    /// Most bytes of such a document, which the documents themselves define; longer ones are refused before they are read.
    public var mostBytes: Int {
        switch self {
        case .descriptor: Descriptor.maximumSize
        case .signature: 64 << 10
        case .proposal: Proposal.maximumSize
        case .vote: Vote.maximumSize
        case .report: MeasurementReport.maximumSize
        case .evidence: Evidence.maximumSize
        case .optOuts: OptOutStatement.maximumSize
        }
    }
}

/// An authority's answer to a posted document. Words are one line for a person, in lower case, that says what to do next.
public enum UploadVerdict: Hashable, Sendable {
    /// 200: new and kept.
    case stored
    /// 202: it was here already, or is not needed any more.
    case known
    /// 400: not such a document.
    case malformed(String)
    /// 403: well formed, but not taken.
    case refused(String)
    /// 409: contradicts something that is kept, such as a nickname that belongs to another identity.
    case conflict(String)
    /// 503: not now; to be tried again after that time.
    case busy(retryAfter: Interval)
}
