// The health pages of an authority: HTML without scripts, made here, and the same as JSON (doc/AUTHORITY.md).

internal import Foundation
internal import WireFormat

/// A page as the server is to send it.
struct HealthAnswer: Sendable {
    var contentType: String
    /// Names and values; the pages carry the policy themselves too, for servers that send files without headers.
    var headers: [(name: String, value: String)]
    var body: String
}

enum HealthPage {
    /// The page at `path`; nil if there is none: `/`, `/health`, `/nodes`, `/nodes/ID` (64 hexadecimal digits),
    /// `/health/evidence`, `/health.json`.
    static func answer(_ path: String, report: HealthReport) -> HealthAnswer? {
        switch path {
        case "/", "/health": return page(SummaryPage(report: report, parts: PageParts(report: report, top: "")).html)
        case "/nodes": return page(NodePages(report: report, parts: PageParts(report: report, top: "")).list)
        case "/health/evidence":
            return page(EvidencePage(report: report, parts: PageParts(report: report, top: "../")).html)
        case "/health.json":
            guard let body = json(report) else { return nil }
            return HealthAnswer(contentType: "application/json", headers: safety, body: body)
        default:
            guard path.hasPrefix("/nodes/"), let id = NodeID(hex: path.dropFirst(7)),
                let html = NodePages(report: report, parts: PageParts(report: report, top: "../")).page(of: id)
            else { return nil }
            return page(html)
        }
    }

    private static let safety: [(name: String, value: String)] = [
        ("Content-Security-Policy", PageStyle.policy + "; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]

    private static func page(_ html: String) -> HealthAnswer {
        HealthAnswer(contentType: "text/html; charset=utf-8", headers: safety, body: html)
    }

    /// Keys sorted, so that the same report is the same text.
    private static func json(_ report: HealthReport) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) + "\n" }
    }
}
