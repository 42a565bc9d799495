import Testing

@testable import DirectoryService

@Suite struct AddressTests {
    @Test(arguments: [
        ("http://a.example", "http://a.example"), ("http://a.example/", "http://a.example"),
        ("http://a.example:80", "http://a.example"), ("https://a.example:443/x/y/", "https://a.example/x/y"),
        ("http://192.0.2.1:8080", "http://192.0.2.1:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ])
    func urlsAreRead(_ text: String, _ shown: String) throws {
        let url = try DirectoryURL(text)
        #expect(url.description == shown)
        #expect(url.appending("consensus") == shown + "/consensus")
    }

    @Test(arguments: [
        "", "a.example", "ftp://a.example", "http://", "http:///x", "http://a b", "http://user@a.example",
        "http://user:x@a.example/", "http://a.example:0", "http://a.example:65536", "http://a.example:",
        "http://a.example:x",
        "http://a.example/?q", "http://a.example/#f", "http://a.example/\u{0}", "http://é.example", "http://[::1",
        "http://[]",
        "http://[a.example]", "http://::1/", "http://a.example\r\nx: y", "HTTP://a.example",
        "http://" + String(repeating: "a", count: 254), "http://a/" + String(repeating: "b", count: 600),
    ])
    func otherURLsAreRefused(_ text: String) { #expect(throws: FetchError.self) { try DirectoryURL(text) } }

    @Test func proxiesAreRead() throws {
        let plain = try ProxySettings("socks5://127.0.0.1:9050")
        #expect(plain.kind == .socks5 && plain.host == "127.0.0.1" && plain.port == 9050 && !plain.hasCredentials)
        #expect(try ProxySettings("socks5h://localhost").port == 1080)
        #expect(try ProxySettings("http://[::1]:3128/").description == "http://[::1]:3128")
        let secret = try ProxySettings("socks5://ann:s%65cret%20@proxy:1")
        #expect(secret.user == "ann" && secret.password == "secret ")
        for text in ["\(secret)", String(reflecting: secret), "\(Mirror(reflecting: secret).children.map { $0 })"] {
            #expect(!text.contains("secret") && !text.contains("ann"))
        }
    }

    @Test(arguments: [
        "", "127.0.0.1:9050", "https://proxy:1", "socks4://proxy:1", "http://proxy", "http://proxy:0",
        "http://:secret@proxy:1",
        "http://ann:secret@", "http://ann%:secret@proxy:1", "http://ann:secret%0@proxy:1",
        "http://a%3Ab:secret@proxy:1",
        "socks5://" + String(repeating: "a", count: 256) + ":secret@proxy:1", "http://proxy:1/path",
        "socks5://ann:secret%FF@proxy:1",
    ])
    func otherProxiesAreRefusedWithoutTheirPassword(_ text: String) {
        do throws(FetchError) {
            _ = try ProxySettings(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }
}
