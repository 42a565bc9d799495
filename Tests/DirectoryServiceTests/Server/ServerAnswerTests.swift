import NIOCore
import Testing
import WireFormat

@testable import DirectoryService

@Suite struct ServerAnswerTests {
    @Test func datesAreHTTPs() {
        #expect(HTTPDate.text(Timestamp(seconds: 784_111_777)) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(Timestamp(seconds: 0)) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.text(Timestamp(milliseconds: -1)) == nil)
        #expect(HTTPDate.text(Timestamp(milliseconds: .max)) == nil)
    }

    @Test(arguments: [
        ("gzip", true), ("deflate, gzip;q=0.5", true), ("GZIP", true), ("gzip;q=1", true), ("gzip; q=0.001", true),
        ("gzip;q=0", false), ("gzip;q=0.000", false), ("identity", false), ("", false), ("gzipped", false),
    ])
    func gzipOnlyIfItIsAllowed(_ field: String, _ allowed: Bool) {
        #expect(ServerAnswer.allowsGzip(field) == allowed)
    }

    @Test func tagsAreComparedWeakly() {
        for condition in ["W/\"ab\"", "\"ab\"", "*", "\"x\", W/\"ab\"", " W/\"ab\" "] {
            #expect(ServerAnswer.matches(condition, "ab"), "\(condition)")
        }
        for condition in ["ab", "\"a\"", "W/\"abc\"", "", ","] { #expect(!ServerAnswer.matches(condition, "ab")) }
        #expect(!ServerAnswer.matches(nil, "ab"))
    }

    @Test func wordsAreOneLine() {
        let answer = ServerAnswer.words(400, "first\nsecond\r\nthird" + String(repeating: "x", count: 9999))
        let text = String(buffer: answer.body)
        #expect(text.hasPrefix("first second third"))
        #expect(text.hasSuffix("\n"))
        #expect(text.filter(\.isNewline).count == 1)
        #expect(text.utf8.count <= 501)
    }

    @Test func listenAddressesAreRead() {
        #expect(ListenAddress("127.0.0.1:80") == ListenAddress(host: "127.0.0.1", port: 80))
        #expect(ListenAddress("[::1]:0") == ListenAddress(host: "::1", port: 0))
        #expect(ListenAddress("localhost:0")?.port == 0)
        #expect(ListenAddress("[::1]:65535")?.description == "[::1]:65535")
        for text in ["", ":80", "a", "a:", "a:x", "a:65536", "a:-1", "::1:80", "[::1]", "a b:80", "a:80:0"] {
            #expect(ListenAddress(text) == nil, "\(text)")
        }
    }
}
