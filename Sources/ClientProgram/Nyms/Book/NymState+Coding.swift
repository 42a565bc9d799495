// How the state of a nym is written down. Version 3; a state of another version is not touched.
//
//     text = length u16 | UTF-8, at most 1024 bytes

internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

extension NymState {
    private static let version: UInt8 = 3

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 1024)
        writer.integer(Self.version)
        writer.integer(stage.rawValue)
        writer.nymText(reason)
        writer.integer(device)
        writer.flag(isPrimary)
        writer.optional(replaced) { $0.nymTime($1) }
        writer.integer(packets.rawValue)
        writer.integer(difficulty)
        writer.flag(needsWork)
        writer.integer(nextNumber)
        writer.integer(resultsSeen)
        writer.list(seenBeyond) { $0.integer($1) }
        writer.list(waiting) { writer, request in request.write(to: &writer) }
        writer.integer(generation)
        writer.optional(report) { writer, report in report.write(to: &writer) }
        writer.nymTime(created)
        writer.optional(refilled) { $0.nymTime($1) }
        writer.optional(renewed) { $0.nymTime($1) }
        writer.list(unacknowledged) { $0.integer($1) }
        writer.list(finished) { $0.integer($1) }
        writer.list(synopses) { writer, synopsis in
            writer.integer(synopsis.item)
            writer.nymText(synopsis.from)
            writer.nymText(synopsis.subject)
            writer.integer(synopsis.size)
            writer.integer(synopsis.day)
            writer.flag(synopsis.isWanted)
        }
        writer.list(sent) { writer, mail in
            writer.integer(mail.number)
            writer.nymTime(mail.made)
            writer.nymText(mail.recipients)
            writer.optional(mail.result) { writer, result in result.write(to: &writer) }
            writer.integer(UInt8(clamping: mail.token.count))
            writer.append(mail.token.prefix(Int(UInt8.max)))
        }
        writer.integer(unreadable)
        writer.optional(lastChange) { writer, result in result.write(to: &writer) }
        writer.list(aliases) { $0.nymText($1) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version, let stage = Stage(rawValue: try reader.integer()) else {
            throw .unknownValue
        }
        self.stage = stage
        reason = try reader.nymText()
        device = try reader.integer()
        isPrimary = try reader.flag()
        replaced = try reader.optional { (reader) throws(WireError) in try reader.nymTime() }
        guard let packets = NymClass(rawValue: try reader.integer()) else { throw .unknownValue }
        self.packets = packets
        difficulty = try reader.integer()
        needsWork = try reader.flag()
        nextNumber = try reader.integer()
        resultsSeen = try reader.integer()
        seenBeyond = try reader.list { (reader) throws(WireError) in try reader.integer() }
        waiting = try reader.list { (reader) throws(WireError) in try Waiting(from: &reader) }
        generation = try reader.integer()
        report = try reader.optional { (reader) throws(WireError) in try Report(from: &reader) }
        created = try reader.nymTime()
        refilled = try reader.optional { (reader) throws(WireError) in try reader.nymTime() }
        renewed = try reader.optional { (reader) throws(WireError) in try reader.nymTime() }
        unacknowledged = try reader.list { (reader) throws(WireError) in try reader.integer() }
        finished = try reader.list { (reader) throws(WireError) in try reader.integer() }
        synopses = try reader.list { (reader) throws(WireError) in
            Synopsis(
                item: try reader.integer(), from: try reader.nymText(), subject: try reader.nymText(),
                size: try reader.integer(), day: try reader.integer(), isWanted: try reader.flag())
        }
        sent = try reader.list { (reader) throws(WireError) in
            Sent(
                number: try reader.integer(), made: try reader.nymTime(), recipients: try reader.nymText(),
                result: try reader.optional { (reader) throws(WireError) in try Result(from: &reader) },
                token: Array(try reader.slice(Int(try reader.integer(UInt8.self)))))
        }
        unreadable = try reader.integer()
        lastChange = try reader.optional { (reader) throws(WireError) in try Result(from: &reader) }
        aliases = try reader.list { (reader) throws(WireError) in try reader.nymText() }
        try reader.end()
    }
}

extension NymState.Waiting {
    fileprivate func write(to writer: inout WireWriter) {
        writer.integer(number)
        writer.integer(purpose.rawValue)
        writer.nymTime(made)
        writer.optional(sent) { $0.nymTime($1) }
        writer.integer(times)
        writer.integer(blocks)
        writer.list(acknowledged) { $0.integer($1) }
        writer.nymText(alias)
        writer.append(file.encoded)
        writer.optional(message) { $0.fixed($1) }
    }

    fileprivate init(from reader: inout WireReader) throws(WireError) {
        number = try reader.integer()
        guard let purpose = NymState.Purpose(rawValue: try reader.integer()) else { throw .unknownValue }
        self.purpose = purpose
        made = try reader.nymTime()
        sent = try reader.optional { (reader) throws(WireError) in try reader.nymTime() }
        times = try reader.integer()
        blocks = try reader.integer()
        acknowledged = try reader.list { (reader) throws(WireError) in try reader.integer() }
        alias = try reader.nymText()
        file = try SealedFileReference(decoding: try reader.slice(SealedFileReference.encodedSize))
        message = try reader.optional { (reader) throws(WireError) in try reader.fixed() }
    }
}

extension NymState.Result {
    fileprivate func write(to writer: inout WireWriter) {
        writer.integer(code)
        writer.nymText(text)
        writer.nymTime(heard)
    }

    fileprivate init(from reader: inout WireReader) throws(WireError) {
        code = try reader.integer()
        text = try reader.nymText()
        heard = try reader.nymTime()
    }
}

extension NymState.Report {
    fileprivate func write(to writer: inout WireWriter) {
        writer.nymTime(heard)
        writer.integer(day)
        writer.integer(packets.rawValue)
        for number in [waitingItems, heldItems, surbs] { writer.integer(number) }
        for number in [waitingBytes, usedBytes, quota] { writer.integer(number) }
        writer.optional(surbsUntil) { $0.nymTime($1) }
        for number in [generation, budget, closesOn] { writer.integer(number) }
        writer.integer(difficulty)
        writer.integer(devices)
    }

    fileprivate init(from reader: inout WireReader) throws(WireError) {
        heard = try reader.nymTime()
        day = try reader.integer()
        guard let packets = NymClass(rawValue: try reader.integer()) else { throw .unknownValue }
        self.packets = packets
        waitingItems = try reader.integer()
        heldItems = try reader.integer()
        surbs = try reader.integer()
        waitingBytes = try reader.integer()
        usedBytes = try reader.integer()
        quota = try reader.integer()
        surbsUntil = try reader.optional { (reader) throws(WireError) in try reader.nymTime() }
        generation = try reader.integer()
        budget = try reader.integer()
        closesOn = try reader.integer()
        difficulty = try reader.integer()
        devices = try reader.integer()
    }
}

extension WireWriter {
    /// At most 1024 bytes of a text.
    mutating func nymText(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.count > 1024 { bytes = Array(text.unicodeScalars.prefix(256).map(String.init).joined().utf8) }
        integer(UInt16(clamping: bytes.count))
        append(bytes)
    }

    mutating func nymTime(_ time: Timestamp) { integer(UInt64(max(0, time.milliseconds))) }

    fileprivate mutating func flag(_ value: Bool) { integer(UInt8(value ? 1 : 0)) }

    fileprivate mutating func optional<Value>(_ value: Value?, _ write: (inout WireWriter, Value) -> Void) {
        flag(value != nil)
        if let value { write(&self, value) }
    }

    fileprivate mutating func list<Value>(_ values: [Value], _ write: (inout WireWriter, Value) -> Void) {
        integer(UInt16(clamping: values.count))
        for value in values.prefix(Int(UInt16.max)) { write(&self, value) }
    }
}

extension WireReader {
    mutating func nymText() throws(WireError) -> String { try text(Int(try integer(UInt16.self))) }

    mutating func nymTime() throws(WireError) -> Timestamp {
        guard let milliseconds = Int64(exactly: try integer(UInt64.self)) else { throw .unknownValue }
        return Timestamp(milliseconds: milliseconds)
    }

    fileprivate mutating func flag() throws(WireError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: false
        case 1: true
        default: throw .unknownValue
        }
    }

    fileprivate mutating func optional<Value>(
        _ read: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> Value? { try flag() ? try read(&self) : nil }

    fileprivate mutating func list<Value>(
        _ read: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try integer(UInt16.self)) { values.append(try read(&self)) }
        return values
    }
}
