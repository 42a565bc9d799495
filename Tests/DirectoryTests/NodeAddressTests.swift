import Directory
import Testing

@Suite("Node addresses")
struct NodeAddressTests {
    @Test(
        "is read",
        arguments: [
            ("8.8.4.4", "8.8.4.4:48099"), ("8.8.4.4:1", "8.8.4.4:1"), ("0.0.0.0:65535", "0.0.0.0:65535"),
            ("255.255.255.255", "255.255.255.255:48099"), ("mix.example.org", "mix.example.org:48099"),
            ("mix.example.org:25", "mix.example.org:25"), ("localhost:9", "localhost:9"), ("a-b.3c", "a-b.3c:48099"),
            ("xn--zo-xna.example", "xn--zo-xna.example:48099"), ("2a00:1450::8", "[2a00:1450::8]:48099"),
            ("[2a00:1450::8]", "[2a00:1450::8]:48099"), ("[2a00:1450::8]:7", "[2a00:1450::8]:7"), ("::", "[::]:48099"),
            ("::1", "[::1]:48099"), ("1::", "[1::]:48099"), ("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:48099"),
            ("1:2:3:4:5:6:7::", "[1:2:3:4:5:6:7::]:48099"), ("::2:3:4:5:6:7:8", "[::2:3:4:5:6:7:8]:48099"),
            ("2A00:Ab::", "[2A00:Ab::]:48099"),
        ])
    func good(text: String, description: String) throws {
        let address = try #require(NodeAddress(text))
        #expect(address.description == description)
        #expect(NodeAddress(address.description) == address)
        #expect(NodeAddress(host: address.host, port: address.port) == address)
    }

    @Test(
        "is refused",
        arguments: [
            "", ":", ":80", "8.8.4.4:", "8.8.4.4:0", "8.8.4.4:65536", "8.8.4.4:-1", "8.8.4.4:+1", "8.8.4.4:1x",
            "8.8.4.4: 1",
            "8.8.4", "8.8.4.4.4", "256.1.1.1", "8.8.4.04", "01.2.3.4", "+1.2.3.4", "1.+2.3.4", "1.2.3.-4", "1..2.3",
            "1.2.3.4.",
            "a..b", ".a", "a.", "-a.org", "a-.org", "a_b.org", "zoë.org", "a b.org", "mix.example.org:port",
            "[8.8.4.4]", "[a.org]:1",
            "[::1", "[::1]x", "[::1]:", "[::1]:0", "[::1]:+7", "[::1]7", "[]", ":::", "1:::2", "::1::", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "12345::", "g::", "+1::", "-1::", "::ffff:8.8.4.4", "fe80::1%eth0",
            ":1::2", "1::2:",
            "\u{0661}.1.1.1", "1.1.1.\u{0661}", "::\u{0661}",
            String(repeating: "a", count: 64) + ".org", (0..<50).map { _ in "abcde" }.joined(separator: "."),
        ])
    func bad(text: String) { #expect(NodeAddress(text) == nil) }

    @Test("a host with port zero is refused")
    func zeroPort() { #expect(NodeAddress(host: "8.8.4.4", port: 0) == nil) }

    @Test(
        "can be reached from anywhere",
        arguments: [
            "1.1.1.1", "8.8.4.4", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.32.10",
            "192.0.3.1",
            "192.167.1.1", "198.17.0.1", "198.20.0.1", "198.51.99.1", "198.51.101.1", "203.0.112.1", "203.0.114.1",
            "223.255.255.255",
            "2a00:1450::8", "2001:db9::1", "2001:200::1", "2001:4860:4860::8888", "2003::1", "3fee::1",
            "::ffff:808:808", "mix.example.org", "a.b", "nottest.net",
            "exampletest.org",
        ])
    func isPublic(text: String) throws { #expect(try #require(NodeAddress(text)).isPublic) }

    @Test(
        "cannot be reached from anywhere",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
            "169.254.1.1", "172.16.0.1",
            "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1",
            "ff02::1",
            "2001:db8::1", "2001:db8:ffff::1", "2001::1", "2001:0:7f00:1::", "2001:1ff::1", "2002:a00:1::1",
            "2002:808:808::1", "3fff::1", "3fff:fff::1", "::ffff:a00:1", "::ffff:7f00:1",
            "64:ff9b::808:808", "100::1",
            "localhost", "mix", "a.localhost", "printer.local", "db.internal", "a.invalid", "a.test", "a.example",
            "A.LOCAL",
        ])
    func isNotPublic(text: String) throws { #expect(!(try #require(NodeAddress(text)).isPublic)) }

    @Test("one place is an IPv4 /16 or an IPv6 /32; a name is none")
    func networks() throws {
        func network(_ text: String) throws -> [UInt8]? { try #require(NodeAddress(text)).network }
        #expect(try network("8.8.1.1") == network("8.8.200.9:5"))
        #expect(try network("8.8.1.1") != network("8.9.1.1"))
        #expect(try network("2a00:1450::1") == network("2a00:1450:ffff::2"))
        #expect(try network("2a00:1450::1") != network("2a00:1451::1"))
        #expect(try network("mix.example.org") == nil)
        // An IPv4 address is one place however it is written.
        #expect(try network("::ffff:808:101") == network("8.8.1.1"))
    }
}
