import TestSupport
import Testing

@testable import DirectoryService

@Suite struct SOCKSHandshakeTests {
    @Test func withoutPassword() throws {
        var handshake = try #require(SOCKSHandshake(host: "a.example", port: 443, credentials: nil))
        #expect(handshake.greeting == [5, 1, 0])
        #expect(try handshake.receive([5]) == .wait)
        #expect(try handshake.receive([0]) == .send([5, 1, 0, 3, 9] + Array("a.example".utf8) + [1, 187]))
        #expect(try handshake.receive([5, 0, 0, 1, 1, 2, 3, 4, 5]) == .wait)
        #expect(try handshake.receive([6, 72, 84]) == .established([72, 84]))
    }

    @Test func withPassword() throws {
        var handshake = try #require(SOCKSHandshake(host: "192.0.2.1", port: 80, credentials: ("ann", "")))
        #expect(handshake.greeting == [5, 2, 0, 2])
        #expect(try handshake.receive([5, 2]) == .send([1, 3] + Array("ann".utf8) + [0]))
        #expect(try handshake.receive([1, 0]) == .send([5, 1, 0, 1, 192, 0, 2, 1, 0, 80]))
        #expect(try handshake.receive([5, 0, 0, 3, 2, 65, 65, 0, 80]) == .established([]))
    }

    @Test func addressesOfVersionSix() throws {
        var handshake = try #require(SOCKSHandshake(host: "2001:db8::1", port: 80, credentials: nil))
        let address: [UInt8] = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(try handshake.receive([5, 0]) == .send([5, 1, 0, 4] + address + [0, 80]))
    }

    @Test func refusals() throws {
        func failure(_ answers: [[UInt8]], _ credentials: (user: String, password: String)? = nil) -> SOCKSHandshake
            .Failure?
        {
            guard var handshake = SOCKSHandshake(host: "a", port: 1, credentials: credentials) else { return nil }
            do throws(SOCKSHandshake.Failure) {
                for answer in answers { _ = try handshake.receive(answer) }
                return nil
            } catch {
                return error
            }
        }
        #expect(failure([[5, 0xFF]]) == .credentials)
        #expect(failure([[5, 2]]) == .malformed)
        #expect(failure([[4, 0]]) == .malformed)
        #expect(failure([[5, 0, 0]]) == .malformed)
        #expect(failure([[5, 2], [1, 1]], ("a", "b")) == .credentials)
        #expect(failure([[5, 0], [5, 4, 0, 1, 0]]) == .refused(4))
        #expect(failure([[5, 0], [5, 0, 0, 9, 0]]) == .malformed)
        #expect(SOCKSHandshake(host: String(repeating: "a", count: 256), port: 1, credentials: nil) == nil)
        #expect(SOCKSHandshake(host: "", port: 1, credentials: nil) == nil)
        #expect(SOCKSHandshake(host: "a", port: 65_536, credentials: nil) == nil)
    }

    @Test func anyBytesAreTaken() {
        var random = SeededRandom(name: "SOCKSHandshakeTests.anyBytesAreTaken")
        for _ in 0..<2000 {
            var handshake = SOCKSHandshake(
                host: "a", port: 1, credentials: Bool.random(using: &random) ? ("a", "b") : nil)
            for _ in 0..<6 {
                var bytes = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                    UInt8.random(in: 0...5, using: &random)
                }
                if Bool.random(using: &random), !bytes.isEmpty { bytes[0] = 5 }
                _ = try? handshake?.receive(bytes)
            }
        }
    }
}
