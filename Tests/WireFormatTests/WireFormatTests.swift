import Testing
import TestSupport
import WireFormat

@Suite("Wire format")
struct WireFormatTests {
    @Test("a reader gives back what a writer wrote, and every cut is an error")
    func roundTrip() throws {
        var generator = SeededRandom(name: "wire round trip")
        let id = NodeID.random(using: &generator)
        var writer = WireWriter()
        writer.integer(UInt8(7))
        writer.integer(UInt16(0x1234))
        writer.integer(UInt32(0xdead_beef))
        writer.integer(UInt64.max - 1)
        writer.fixed(id)
        writer.append(Array("größe".utf8))
        writer.zeros(3)
        func read(_ bytes: [UInt8]) throws(WireError) {
            var reader = WireReader(bytes)
            #expect(try reader.integer(UInt8.self) == 7)
            #expect(try reader.integer(UInt16.self) == 0x1234)
            #expect(try reader.integer(UInt32.self) == 0xdead_beef)
            #expect(try reader.integer(UInt64.self) == UInt64.max - 1)
            #expect(try reader.fixed(NodeID.self) == id)
            #expect(try reader.text(7) == "größe")
            try reader.zeros(3)
            try reader.end()
        }
        try read(writer.bytes)
        var reader = WireReader(Array(writer.bytes.dropLast()))
        _ = try reader.slice(writer.bytes.count - 3)
        #expect(throws: WireError.truncated) { try reader.zeros(3) }
        var behind = WireReader(writer.bytes + [0])
        _ = try behind.slice(writer.bytes.count)
        #expect(throws: WireError.trailingBytes) { try behind.end() }
        var text = WireReader([0xff, 0xfe])
        #expect(throws: WireError.notText) { _ = try text.text(2) }
        var negative = WireReader([1])
        #expect(throws: WireError.truncated) { _ = try negative.slice(-1) }
    }

    @Test("base64 has one spelling for each value")
    func base64() {
        var generator = SeededRandom(name: "base64")
        for size in 0..<70 {
            let bytes = generator.bytes(size)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.lines(bytes).joined()) == bytes)
        }
        // RFC 4648 section 10.
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64.encode(Array("fooba".utf8)) == "Zm9vYmE=")
        #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
        for bad in ["Zm9vYg=", "Zm9vYh==", "Zm9vYmF=", "Zm9v\nYmFy", "Zm=vYmFy", "====", "Zm9vYmE=Zm9v", "ÄÄ=="] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
    }

    @Test("hexadecimal is lower-case and whole")
    func hex() {
        #expect(Hex.decode("00ff7f") == [0, 255, 127])
        #expect(Hex.decode("0") == nil)
        #expect(Hex.decode("AB") == nil)
        #expect(Hex.decode("zz") == nil)
        #expect(NodeID(hex: "ab") == nil)
    }

    @Test("identifiers order by their bytes")
    func order() throws {
        var generator = SeededRandom(name: "order")
        for _ in 0..<100 {
            let a = NodeID.random(using: &generator)
            let b = NodeID.random(using: &generator)
            #expect((a < b) == a.hex.utf8.lexicographicallyPrecedes(b.hex.utf8))
        }
    }

    @Test("time is written and read back, and saturates")
    func timestamps() {
        #expect(Timestamp(seconds: 0).description == "1970-01-01T00:00:00Z")
        #expect(Timestamp(seconds: 1_795_242_600).description == "2026-11-21T06:30:00Z")
        #expect(Timestamp(seconds: 951_782_400).description == "2000-02-29T00:00:00Z")
        #expect(Timestamp("2026-11-21T06:30:00Z") == Timestamp(seconds: 1_795_242_600))
        for bad in ["2026-11-21T06:30:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21 06:30:00Z", "", "x"] {
            #expect(Timestamp(bad) == nil, "\(bad)")
        }
        #expect((Timestamp(milliseconds: .max) + .days(1)).milliseconds == .max)
        #expect((Timestamp(milliseconds: .min) - .days(1)).milliseconds == .min)
        #expect(Interval.days(.max).milliseconds == .max)
        #expect(Timestamp(milliseconds: -1).seconds == -1)
    }

    @Test("key periods are weeks since 1970-01-05 with a fortnight of acceptance")
    func keyPeriods() throws {
        let calendar = KeyPeriodCalendar()
        let monday = try #require(Timestamp("2026-11-16T00:00:00Z"))
        let period = try #require(calendar.period(at: monday))
        #expect(calendar.start(of: period) == monday)
        #expect(calendar.period(at: monday - .milliseconds(1)) == period.advanced(by: -1))
        #expect(calendar.end(of: period) == monday + .days(7))
        #expect(calendar.destruction(of: period) == monday + .days(21))
        #expect(calendar.period(at: Timestamp(seconds: 0)) == nil)
        #expect(calendar.period(at: Timestamp(seconds: .max)) == nil)
    }
}
