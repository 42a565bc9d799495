import Pages
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// What strangers write stays text.
@Suite struct HTMLTests {
    @Test func stringsAreEscapedAndHTMLIsNot() {
        let name = "<b onclick=\"x('y')\">&amp;"
        let cell: HTML = "<td title=\"\(name)\">\(name)\(3)\(["<br>" as HTML, "<hr>"])</td>"
        let escaped = "&lt;b onclick=&quot;x(&#39;y&#39;)&quot;&gt;&amp;amp;"
        #expect(cell.text == "<td title=\"\(escaped)\">\(escaped)3<br><hr></td>")
    }

    @Test func whatNobodySeesIsSpelled() {
        #expect(HTML.escape("a\u{202E}b\u{200B}\u{0}\n\u{FEFF}\u{E000}") == "a\\x202eb\\x200b\\x0\\xa\\xfeff\\xe000")
        #expect(HTML.escape("caf\u{E9} \u{5D0} \u{1F41B}") == "caf\u{E9} \u{5D0} \u{1F41B}")
    }

    @Test func longTextIsCut() {
        let long = String(repeating: "<", count: 10_000)
        #expect(HTML.foreign(long).text.count == HTML.maximumText * 4 + "<bdi>...</bdi>".count)
        // One character of many marks counts as many.
        let stacked = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(HTML.foreign(stacked).text.utf8.count < 2 * HTML.maximumText + 20)
    }

    @Test func noTextMakesMarkup() {
        var random = SeededRandom(name: "HTML of random text")
        let pieces = [
            "<", ">", "\"", "'", "&", "script", "&lt;", "</", "\u{202E}", "]]>", "<!--", "\0", "a", " ", "\u{D7FF}",
        ]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            let escaped = HTML.escape(text)
            #expect(!escaped.contains { "<>\"'".contains($0) }, "\(text.unicodeScalars)")
            // Every & begins one of ours.
            let afterAmpersand = escaped.split(separator: "&", omittingEmptySubsequences: false).dropFirst()
            #expect(
                afterAmpersand.allSatisfy { part in
                    ["amp;", "lt;", "gt;", "quot;", "#39;"].contains { part.hasPrefix($0) }
                })
        }
    }
}
