// The health pages of an authority: HTML without scripts, made here, and the same as JSON (doc/AUTHORITY.md).

internal import Foundation
internal import WireFormat

/// A page as the server is to send it. What it may load (nothing) it says itself, so that it holds in a mirror too.
struct HealthAnswer: Sendable {
    var contentType: String
    var body: String
}

enum HealthPage {
    /// Names of the pages that a mirror has as files, which link to each other by these names; they are served under the
    /// same names. There are none of single nodes.
    static let mirrored = ["index.html", "nodes.html", "double-signing.html", "health.json"]

    /// The page at `path`; nil if there is none: `/`, `/health`, `/nodes`, `/node/ID` (64 hexadecimal digits),
    /// `/double-signing`, `/health.json`, and the names of `mirrored`.
    static func answer(_ path: String, report: HealthReport) -> HealthAnswer? {
        let parts = PageParts(report: report, place: path.hasSuffix(".html") ? .folder : .server)
        switch path {
        case "/", "/health", "/index.html": return page(SummaryPage(report: report, parts: parts).html)
        case "/nodes", "/nodes.html": return page(NodePages(report: report, parts: parts).list)
        case "/double-signing", "/double-signing.html": return page(EvidencePage(report: report, parts: parts).html)
        case "/health.json":
            return json(report).map { HealthAnswer(contentType: "application/json", body: $0) }
        default:
            let below = PageParts(report: report, place: .serverBelow)
            guard path.hasPrefix("/node/"), let id = NodeID(hex: path.dropFirst(6)),
                let html = NodePages(report: report, parts: below).page(of: id)
            else { return nil }
            return page(html)
        }
    }

    private static func page(_ html: String) -> HealthAnswer {
        HealthAnswer(contentType: "text/html; charset=utf-8", body: html)
    }

    /// Keys sorted, so that the same report is the same text.
    private static func json(_ report: HealthReport) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) + "\n" }
    }
}
